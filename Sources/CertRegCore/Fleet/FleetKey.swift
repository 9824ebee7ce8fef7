/// A certificate and the target that it is registered in, as all members of a fleet name them.
package struct FleetKey: Hashable, Sendable, Comparable {
  /// The certificate.
  package let certificateID: CertificateID
  /// The target: see ``FleetTarget``.
  package let target: String
  /// Keys are looked up far more often than they are made.
  private let targetHash: Int

  package init(certificateID: CertificateID, target: String) {
    self.certificateID = certificateID
    self.target = target
    targetHash = target.hashValue
  }

  package init(certificateID: CertificateID, target: FleetTarget) {
    self.certificateID = certificateID
    self.target = target.text
    targetHash = target.textHash
  }

  /// Whether both name the same certificate in the same target: the hash follows from them.
  package static func == (left: FleetKey, right: FleetKey) -> Bool {
    left.certificateID == right.certificateID && left.target == right.target
  }

  package func hash(into hasher: inout Hasher) {
    // Another part of a SHA-256 makes no key more different.
    hasher.combine(certificateID.words.0)
    hasher.combine(targetHash)
  }

  /// One order for all members. Each transaction locks rows in it, so that no two wait for each other.
  package static func < (left: FleetKey, right: FleetKey) -> Bool {
    let (first, second) = (left.certificateID.words, right.certificateID.words)
    guard first == second else {
      return (first.0.bigEndian, first.1.bigEndian, first.2.bigEndian, first.3.bigEndian)
        < (second.0.bigEndian, second.1.bigEndian, second.2.bigEndian, second.3.bigEndian)
    }
    return left.target < right.target
  }
}

/// What a member tells the others of a certificate.
package struct SharedResult: Hashable, Sendable {
  /// A result without its key and caller.
  package struct Content: Hashable, Sendable {
    /// `nil`: only the status is known.
    package var certificateARN: String?
    /// Whether a call of a member created the certificate in the upstream, or found it there.
    package var outcome: RegistrationOutcome
    /// `nil`: not known.
    package var status: CertificateStatus?
    /// `x-amzn-RequestId` of the answer.
    package var requestID: String?
    /// When the upstream's last answer about the certificate came.
    package var finishedAt: WallTime
    /// The verdict that the certificate was accepted under.
    package var basis: VerdictBasis
    /// The device's name; `nil`: none was given.
    package var deviceID: DeviceID?
    /// The profile that was applied and what was asked for, in the form of the store; `nil`: neither.
    package var provisioned: String?

    package init(
      certificateARN: String?, outcome: RegistrationOutcome, status: CertificateStatus?, requestID: String?,
      finishedAt: WallTime, basis: VerdictBasis, deviceID: DeviceID?, provisioned: String?
    ) {
      self.certificateARN = certificateARN
      self.outcome = outcome
      self.status = status
      self.requestID = requestID
      self.finishedAt = finishedAt
      self.basis = basis
      self.deviceID = deviceID
      self.provisioned = provisioned
    }
  }

  /// The certificate.
  package var key: FleetKey
  /// When it became so, in microseconds of the database's clock: of two that contradict each other the later one holds.
  package var stamp: Int64
  /// `nil`: the certificate was forgotten.
  package var content: Content?

  package init(key: FleetKey, stamp: Int64, content: Content?) {
    self.key = key
    self.stamp = stamp
    self.content = content
  }

  /// Whether the certificate may have been revoked: it was, or its status is not known any more. What tells of a
  /// revocation may have been overtaken by a result that lost it.
  package var mayBeRevocation: Bool {
    guard let content else { return false }
    return content.status == .revoked || content.status == nil
  }
}
