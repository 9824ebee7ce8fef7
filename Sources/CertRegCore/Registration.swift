/// Name of a configured target: an account and region of the upstream.
package struct TargetName: RawRepresentable, Hashable, Sendable, CustomStringConvertible {
  package let rawValue: String

  package init(rawValue: String) {
    self.rawValue = rawValue
  }

  package init(_ name: String) {
    self.rawValue = name
  }

  package var description: String { rawValue }
}

/// Identifies a result. The same certificate may be registered in several targets.
package struct RegistrationKey: Hashable, Sendable {
  /// SHA-256 digest of the certificate's DER encoding, which is also AWS IoT's `certificateId`.
  package var certificateID: CertificateID
  /// The account and region that the certificate is registered in.
  package var target: TargetName

  package init(certificateID: CertificateID, target: TargetName) {
    self.certificateID = certificateID
    self.target = target
  }
}

/// The validity and policies behind a verdict. The result keeps them, so that a repeat need not parse the certificate.
package struct VerdictBasis: Hashable, Sendable {
  /// `tbsCertificate.validity` (RFC 5280 section 4.1.2.5).
  package var notBefore: WallTime
  /// The end of the validity; the certificate is still valid at this time.
  package var notAfter: WallTime
  /// Identifies the policies that accepted the certificate. Other policies require a new verdict.
  package var policyFingerprint: Int64

  package init(notBefore: WallTime, notAfter: WallTime, policyFingerprint: Int64) {
    self.notBefore = notBefore
    self.notAfter = notAfter
    self.policyFingerprint = policyFingerprint
  }
}

/// The caller that asked for a registration, from `SO_PEERCRED` (unix(7)).
package struct Requester: Hashable, Sendable {
  /// The numeric user ID of the caller's process.
  package var uid: UInt32
  /// The caller's process ID; 0 if it is not known.
  package var pid: Int32
  /// The systemd unit of the caller's process, if it is known.
  package var unit: String?

  package init(uid: UInt32, pid: Int32 = 0, unit: String? = nil) {
    self.uid = uid
    self.pid = pid
    self.unit = unit
  }
}

/// A successful registration.
package struct Registration: Hashable, Sendable {
  /// The certificate and the target.
  package var key: RegistrationKey
  /// The certificate's ARN in AWS IoT, as the upstream returned it.
  package var certificateARN: String
  /// Whether this registration created the certificate in the upstream, or found it there.
  package var outcome: RegistrationOutcome
  /// The status that the certificate was registered with; `nil` if it is not known.
  package var status: CertificateStatus?
  /// `x-amzn-RequestId` of the answer.
  package var requestID: String?
  /// When the upstream's answer came.
  package var finishedAt: WallTime
  /// The verdict that the certificate was accepted under.
  package var basis: VerdictBasis
  /// The first caller. `nil` in records of older versions and in results from the cache.
  package var requester: Requester?
  /// The device's name; `nil` where none was given, and in what comes from the cache.
  package var deviceID: DeviceID?
  /// Stands for the device's name, also in what comes from the cache.
  package var deviceTag: DeviceTag

  package init(
    key: RegistrationKey, certificateARN: String, outcome: RegistrationOutcome, status: CertificateStatus?,
    requestID: String?, finishedAt: WallTime, basis: VerdictBasis, requester: Requester? = nil,
    deviceID: DeviceID? = nil, deviceTag: DeviceTag? = nil
  ) {
    self.key = key
    self.certificateARN = certificateARN
    self.outcome = outcome
    self.status = status
    self.requestID = requestID
    self.finishedAt = finishedAt
    self.basis = basis
    self.requester = requester
    self.deviceID = deviceID
    self.deviceTag = deviceTag ?? deviceID?.tag ?? .none
  }
}

/// A registration that ended with a permanent error.
package struct FailedRegistration: Hashable, Sendable {
  /// The certificate and the target.
  package var key: RegistrationKey
  /// The error that callers got, and that `lookup` repeats.
  package var error: ServiceError
  /// How many calls to the upstream were made.
  package var attempts: Int
  /// When the error was known.
  package var finishedAt: WallTime
  /// The first caller. `nil` in records of older versions.
  package var requester: Requester?
  /// The device's name; `nil` where none was given.
  package var deviceID: DeviceID?

  package init(
    key: RegistrationKey, error: ServiceError, attempts: Int, finishedAt: WallTime, requester: Requester? = nil,
    deviceID: DeviceID? = nil
  ) {
    self.key = key
    self.error = error
    self.attempts = attempts
    self.finishedAt = finishedAt
    self.requester = requester
    self.deviceID = deviceID
  }
}

/// The result of an earlier registration of a certificate that is registered again.
package struct EarlierResult: Hashable, Sendable {
  /// Whether an earlier registration created the certificate in the upstream, or found it there.
  package var outcome: RegistrationOutcome
  /// `nil`: not known.
  package var status: CertificateStatus?

  package init(outcome: RegistrationOutcome, status: CertificateStatus?) {
    self.outcome = outcome
    self.status = status
  }
}

/// The progress of a registration. The queue's row on disk holds it, so that a restart goes on from it.
package struct JobFacts: Hashable, Sendable {
  /// The result that was known before the request; `nil` if there was none.
  package var earlier: EarlierResult?
  /// The number of steps of the plan that succeeded; the next one is under way.
  package var completedSteps: Int
  /// The upstream's answer, once RegisterCertificateWithoutCA has succeeded.
  package var registered: RegisteredCertificate?

  package init(
    earlier: EarlierResult? = nil, completedSteps: Int = 0, registered: RegisteredCertificate? = nil
  ) {
    self.earlier = earlier
    self.completedSteps = completedSteps
    self.registered = registered
  }
}

/// A certificate as the upstream registered it.
package struct RegisteredCertificate: Hashable, Sendable {
  /// The certificate's ARN in AWS IoT.
  package var certificateARN: String
  /// Whether our call created the certificate in the upstream, or found it there.
  package var outcome: RegistrationOutcome
  /// `nil`: not known.
  package var status: CertificateStatus?
  /// `x-amzn-RequestId` of the answer.
  package var requestID: String?

  package init(
    certificateARN: String, outcome: RegistrationOutcome, status: CertificateStatus?, requestID: String?
  ) {
    self.certificateARN = certificateARN
    self.outcome = outcome
    self.status = status
    self.requestID = requestID
  }
}

/// A registration that has not ended.
package struct PendingRegistration: Hashable, Sendable {
  /// The certificate and the target.
  package var key: RegistrationKey
  /// The order of arrival: earlier requests have smaller numbers. Unique in a store.
  package var sequence: Int64
  /// The certificate's DER encoding.
  package var der: [UInt8]
  /// The status to send to the upstream; `nil` sends none.
  package var status: CertificateStatus?
  /// When the request was accepted; `queue.maxAge` counts from this time.
  package var enqueuedAt: WallTime
  /// Whether a call may have been made. If so, a 409 can be the answer to our own earlier call.
  package var callStarted: Bool
  /// How many calls to the upstream have ended without a result.
  package var attempts: Int
  /// Why the last of those calls failed; `nil` before the first failure.
  package var lastError: ServiceError?
  /// The first caller.
  package var requester: Requester
  /// The device's name; `nil` where none was given.
  package var deviceID: DeviceID?
  /// The verdict that the certificate was accepted under.
  package var basis: VerdictBasis
  /// What the finished steps established.
  package var facts: JobFacts

  /// The number of queue slots that it takes: the certificate's size in units of 2 KiB, rounded up. A limit on slots is
  /// therefore a limit on memory.
  package var slots: Int { max(1, (der.count + 2047) / 2048) }

  package init(
    key: RegistrationKey, sequence: Int64, der: [UInt8], status: CertificateStatus?, enqueuedAt: WallTime,
    callStarted: Bool, attempts: Int, lastError: ServiceError?, requester: Requester, deviceID: DeviceID? = nil,
    basis: VerdictBasis, facts: JobFacts = JobFacts()
  ) {
    self.key = key
    self.sequence = sequence
    self.der = der
    self.status = status
    self.enqueuedAt = enqueuedAt
    self.callStarted = callStarted
    self.attempts = attempts
    self.lastError = lastError
    self.requester = requester
    self.deviceID = deviceID
    self.basis = basis
    self.facts = facts
  }
}
