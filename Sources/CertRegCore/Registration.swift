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

/// Identifies a job: what was asked for, from the request to its end. Several jobs of one certificate and target may be
/// under way, one behind the other.
package struct JobID: Hashable, Sendable {
  /// The certificate and its target.
  package var key: RegistrationKey
  /// See ``PendingRegistration/sequence``. It alone tells jobs apart.
  package var sequence: Int64

  package init(key: RegistrationKey, sequence: Int64) {
    self.key = key
    self.sequence = sequence
  }

  /// The account and region that the job is about.
  package var target: TargetName { key.target }

  /// Whether two numbers are the same.
  package static func == (one: JobID, other: JobID) -> Bool { one.sequence == other.sequence }

  /// Hashes the number.
  package func hash(into hasher: inout Hasher) { hasher.combine(sequence) }
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

  /// There was no verdict: the certificate is known by its ID only.
  package static let none = VerdictBasis(
    notBefore: WallTime(millisecondsSinceEpoch: 0), notAfter: WallTime(millisecondsSinceEpoch: 0),
    policyFingerprint: 0)
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

/// A certificate that the upstream has, as far as the daemon knows it.
package struct Registration: Hashable, Sendable {
  /// The certificate and the target.
  package var key: RegistrationKey
  /// The certificate's ARN in AWS IoT, as the upstream returned it. `nil`: the daemon has only set the status of the
  /// certificate, by its ID. Such a result answers no registration.
  package var certificateARN: String?
  /// Whether this registration created the certificate in the upstream, or found it there.
  package var outcome: RegistrationOutcome
  /// The status that the certificate was registered with or that was set since; `nil` if it is not known.
  package var status: CertificateStatus?
  /// `x-amzn-RequestId` of the answer.
  package var requestID: String?
  /// When the upstream's last answer about the certificate came.
  package var finishedAt: WallTime
  /// The verdict that the certificate was accepted under.
  package var basis: VerdictBasis
  /// The first caller. `nil` in records of older versions and in results from the cache.
  package var requester: Requester?
  /// The device's name; `nil` where none was given, and in what comes from the cache.
  package var deviceID: DeviceID?
  /// Stands for the device's name, also in what comes from the cache.
  package var deviceTag: DeviceTag
  /// The profile that was applied to the certificate last, or the part of it that was; `nil`: none.
  @Boxed package var provisioned: Provisioned?
  /// What was asked for and is not so, as far as `describe` has found out; `nil`: nothing. Results from the cache and
  /// results of jobs have none.
  @Boxed package var asked: AskedFor?
  /// The failure of the job that left this result, which the store keeps beside it; `nil`: the job ended well. Results
  /// that were read have none: see ``StoredRecord``.
  @Boxed package var failure: FailedRegistration?
  /// Whether a failure beside the result stays there: the job that leaves the result made no device, and the failure is
  /// that of a step of one. For the store alone, which does not keep it.
  package var leavesFailure = false

  package init(
    key: RegistrationKey, certificateARN: String?, outcome: RegistrationOutcome, status: CertificateStatus?,
    requestID: String?, finishedAt: WallTime, basis: VerdictBasis, requester: Requester? = nil,
    deviceID: DeviceID? = nil, deviceTag: DeviceTag? = nil, provisioned: Provisioned? = nil,
    asked: AskedFor? = nil
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
    self.provisioned = provisioned
    self.asked = asked
  }

  /// The result that a job left which failed.
  func ended(by failure: FailedRegistration) -> Registration {
    var ended = self
    ended.failure = failure
    ended.failure?.registered = nil
    return ended
  }
}
