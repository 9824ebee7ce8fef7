package import CertRegCore

/// The registry of one account and region: decides as AWS IoT does, without side effects.
///
/// An operation that changes something comes in two halves. The first checks it and returns the change; the
/// second, `apply`, makes the change. Between them the change can be written to a file.
package struct SandboxRegister: Sendable {
  /// The account and region of the register.
  package let account: SandboxAccount
  private var roster = Roster<CertificateID, RegisteredCertificate>()

  /// Things by name.
  package internal(set) var things = Roster<String, Thing>()
  /// Thing types by name.
  package internal(set) var thingTypes = Roster<String, ThingType>()
  /// Static thing groups by name.
  package internal(set) var thingGroups = Roster<String, ThingGroup>()
  /// Policies by name.
  package internal(set) var policies = Roster<String, Policy>()

  /// Types and the things that have them.
  var thingsOfTypes = Relation<String, String, Void>()
  /// Groups and their direct children; groups without a parent belong to an empty name.
  var childGroups = Relation<String, String, Void>()
  /// Groups and the things in them.
  var groupMembers = Relation<String, String, Void>()
  /// Policies and their targets.
  var policyTargets = Relation<String, Target, Void>()
  /// Principals and things.
  var principalThings = Relation<Target, String, ThingPrincipalType>()

  package init(account: SandboxAccount) {
    self.account = account
  }

  /// The number of certificates.
  package var count: Int { roster.count }

  /// All certificates in order of registration.
  package var certificates: some Sequence<RegisteredCertificate> {
    roster.elements.lazy.map(\.value)
  }

  /// Whether a certificate is registered.
  package func isRegistered(_ id: CertificateID) -> Bool { roster[id] != nil }

  /// The certificate with `id`.
  ///
  /// - Throws: ResourceNotFoundException.
  package func describe(_ id: CertificateID) throws(SandboxError) -> RegisteredCertificate {
    guard let certificate = roster[id] else {
      throw SandboxError(.resourceNotFound, "The certificate given in the request does not exist. Id: \(id.hex)")
    }
    return certificate
  }

  /// The certificates of a page, by the date of their creation.
  package func page(_ request: PageRequest) -> Page<RegisteredCertificate> {
    roster.page(request).map(\.value)
  }

  // MARK: Changes

  /// Checks a registration without a CA.
  ///
  /// - Parameters:
  ///   - status: `nil` registers as INACTIVE.
  ///   - generationID: A new one.
  /// - Throws: CertificateStateException for a status that a certificate cannot be registered with,
  ///   ResourceAlreadyExistsException for a certificate that is there.
  package func registration(
    of certificate: JudgedCertificate, status: CertificateStatus?, at now: WallTime, generationID: UniqueID
  ) throws(SandboxError) -> RegisterChange {
    let status = status ?? .inactive
    try SandboxRegister.checkRegistrable(status)
    if isRegistered(certificate.id) {
      throw SandboxError(
        .resourceAlreadyExists, "The certificate is already provisioned or registered",
        resourceID: certificate.id.hex, resourceARN: account.arn(of: certificate.id))
    }
    return .register(
      RegisteredCertificate(
        id: certificate.id, der: certificate.der, status: status, createdAt: now, lastModifiedAt: now,
        notBefore: certificate.notBefore, notAfter: certificate.notAfter, generationID: generationID))
  }

  /// The API reference lists six values for `status`; AWS refuses those that only AWS itself sets.
  ///
  /// - Throws: CertificateStateException.
  package static func checkRegistrable(_ status: CertificateStatus) throws(SandboxError) {
    switch status {
    case .active, .inactive, .revoked: return
    case .pendingTransfer, .registerInactive, .pendingActivation:
      throw SandboxError(
        .certificateState, "Not allowed to register certificate with \(status.rawValue) status")
    }
  }

  /// Checks an UpdateCertificate. The operation is idempotent: the present status is as good as another. A revoked
  /// certificate stays revoked (https://docs.aws.amazon.com/iot/latest/developerguide/revoke-ca-cert.html).
  ///
  /// - Throws: CertificateStateException for a status that only AWS itself sets and for another status of a revoked
  ///   certificate, ResourceNotFoundException.
  package func statusChange(
    of id: CertificateID, to status: CertificateStatus, at now: WallTime
  ) throws(SandboxError) -> RegisterChange {
    switch status {
    case .active, .inactive, .revoked: break
    case .pendingTransfer, .registerInactive, .pendingActivation:
      throw SandboxError(.certificateState, "Not allowed to update certificate to \(status.rawValue) status")
    }
    let present = try describe(id).status
    guard present != .revoked || status == .revoked else {
      throw SandboxError(
        .certificateState, "Not allowed to update certificate from \(present.rawValue) to \(status.rawValue)")
    }
    return .setStatus(id, status, at: now)
  }

  /// Checks a DeleteCertificate (API reference). `forced` deletes although policies are attached; it deletes neither an
  /// active certificate nor one that is attached to a thing.
  ///
  /// - Throws: CertificateStateException for an active certificate, DeleteConflictException for one in use,
  ///   ResourceNotFoundException.
  package func deletion(of id: CertificateID, forced: Bool) throws(SandboxError) -> RegisterChange {
    if try describe(id).status == .active {
      throw SandboxError(
        .certificateState, "Certificate must be deactivated (not ACTIVE) before deletion. Id: \(id.hex)")
    }
    if !principalThings.rights(of: .certificate(id)).isEmpty {
      throw SandboxError(
        .deleteConflict, "Things must be detached before deletion (arn: \(account.arn(of: id)))")
    }
    if !forced, !policyTargets.lefts(of: .certificate(id)).isEmpty {
      throw SandboxError(
        .deleteConflict, "Certificate policies must be detached before deletion (arn: \(account.arn(of: id)))")
    }
    return .delete(id)
  }

  // MARK: Making changes

  mutating func register(_ certificate: RegisteredCertificate) -> Bool {
    guard !isRegistered(certificate.id) else { return false }
    roster.put(certificate, for: certificate.id)
    return true
  }

  mutating func setStatus(_ id: CertificateID, _ status: CertificateStatus, at time: WallTime) -> Bool {
    guard var certificate = roster[id] else { return false }
    certificate.status = status
    certificate.lastModifiedAt = time
    roster.put(certificate, for: id)
    return true
  }

  mutating func delete(_ id: CertificateID) -> Bool {
    guard roster.remove(id) != nil else { return false }
    policyTargets.removeAll(right: .certificate(id))
    principalThings.removeAll(left: .certificate(id))
    return true
  }
}
