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

/// What a result is kept under: the same certificate may be registered in several targets.
package struct RegistrationKey: Hashable, Sendable {
  package var certificateID: CertificateID
  package var target: TargetName

  package init(certificateID: CertificateID, target: TargetName) {
    self.certificateID = certificateID
    self.target = target
  }
}

/// What a verdict depended on, kept with the result so that a repeat need not parse the certificate again.
package struct VerdictBasis: Hashable, Sendable {
  /// `tbsCertificate.validity` (RFC 5280 section 4.1.2.5).
  package var notBefore: WallTime
  package var notAfter: WallTime
  /// Identifies the set of policies under which the certificate was accepted; another set asks for a new verdict.
  package var policyFingerprint: Int64

  package init(notBefore: WallTime, notAfter: WallTime, policyFingerprint: Int64) {
    self.notBefore = notBefore
    self.notAfter = notAfter
    self.policyFingerprint = policyFingerprint
  }
}

/// Who asked for a registration, from `SO_PEERCRED` (unix(7)).
package struct Requester: Hashable, Sendable {
  package var uid: UInt32
  /// 0: not known.
  package var pid: Int32
  /// The systemd unit that it ran in, where that could be told.
  package var unit: String?

  package init(uid: UInt32, pid: Int32 = 0, unit: String? = nil) {
    self.uid = uid
    self.pid = pid
    self.unit = unit
  }
}

/// A registration that ended well.
package struct Registration: Hashable, Sendable {
  package var key: RegistrationKey
  package var certificateARN: String
  package var outcome: RegistrationOutcome
  /// The status that the certificate was registered with, as far as it is known.
  package var status: CertificateStatus?
  /// `x-amzn-RequestId` of the answer.
  package var requestID: String?
  package var finishedAt: WallTime
  package var basis: VerdictBasis
  /// Who asked first; `nil` where that was not kept, and in what comes from the cache.
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

/// A registration that ended with an error that trying again does not mend.
package struct FailedRegistration: Hashable, Sendable {
  package var key: RegistrationKey
  package var error: ServiceError
  package var attempts: Int
  package var finishedAt: WallTime
  /// Who asked first; `nil` where that was not kept.
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

/// What was known of a certificate before its registration was asked for again.
package struct EarlierResult: Hashable, Sendable {
  package var outcome: RegistrationOutcome
  /// `nil`: not known.
  package var status: CertificateStatus?

  package init(outcome: RegistrationOutcome, status: CertificateStatus?) {
    self.outcome = outcome
    self.status = status
  }
}

/// What is known of a registration under way. It is kept on disk with the queue's row, so that a restart goes on from it.
package struct JobFacts: Hashable, Sendable {
  /// What was known before the request; `nil`: nothing.
  package var earlier: EarlierResult?
  /// How many steps of the plan have ended well; the next one is under way.
  package var completedSteps: Int
  /// What the upstream said of the certificate, once RegisterCertificateWithoutCA has ended well.
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
  package var certificateARN: String
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

/// A registration that was asked for and has not ended.
package struct PendingRegistration: Hashable, Sendable {
  package var key: RegistrationKey
  /// Order of arrival: smaller came earlier. Unique in a store.
  package var sequence: Int64
  /// The certificate's DER encoding.
  package var der: [UInt8]
  /// What is sent upstream; `nil` sends no status.
  package var status: CertificateStatus?
  package var enqueuedAt: WallTime
  /// Whether a call may have been made: from then on a 409 can be the answer to our own call.
  package var callStarted: Bool
  package var attempts: Int
  package var lastError: ServiceError?
  /// Who asked first.
  package var requester: Requester
  /// The device's name; `nil` where none was given.
  package var deviceID: DeviceID?
  package var basis: VerdictBasis
  package var facts: JobFacts

  /// How many slots of the queue it takes: one for each 2 KiB of its certificate that are begun. A bound on slots is therefore
  /// one on memory.
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
