package import CertRegCore

/// The register of certificates of one account and region: decides as AWS IoT does, without side effects.
///
/// An operation that changes something comes in two halves. The first checks it and returns the change; the
/// second, `apply`, makes the change. Between them the change can be written to a file.
package struct SandboxRegister: Sendable {
  /// Certificates in order of registration. `sequence` grows by one with each; positions move when one is deleted.
  private struct Entry {
    var sequence: UInt64
    var id: CertificateID
  }

  private struct Record {
    var sequence: UInt64
    var certificate: RegisteredCertificate
  }

  /// The account and region of the register.
  package let account: SandboxAccount
  private var records: [CertificateID: Record] = [:]
  private var order: [Entry] = []
  private var nextSequence: UInt64 = 1

  package init(account: SandboxAccount) {
    self.account = account
  }

  /// The number of certificates.
  package var count: Int { records.count }

  /// All certificates in order of registration.
  package var certificates: some Sequence<RegisteredCertificate> {
    order.lazy.compactMap { records[$0.id]?.certificate }
  }

  /// The certificate with `id`.
  ///
  /// - Throws: ResourceNotFoundException.
  package func describe(_ id: CertificateID) throws(SandboxError) -> RegisteredCertificate {
    guard let record = records[id] else {
      throw SandboxError(.resourceNotFound, "The certificate given in the request does not exist. Id: \(id.hex)")
    }
    return record.certificate
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
    if records[certificate.id] != nil {
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

  /// Checks an UpdateCertificate. The operation is idempotent: the present status is as good as another.
  ///
  /// - Throws: CertificateStateException for a status that only AWS itself sets, ResourceNotFoundException.
  package func statusChange(
    of id: CertificateID, to status: CertificateStatus, at now: WallTime
  ) throws(SandboxError) -> RegisterChange {
    switch status {
    case .active, .inactive, .revoked: break
    case .pendingTransfer, .registerInactive, .pendingActivation:
      throw SandboxError(.certificateState, "Not allowed to update certificate to \(status.rawValue) status")
    }
    _ = try describe(id)
    return .setStatus(id, status, at: now)
  }

  /// Checks a DeleteCertificate. `forceDelete` would matter for attached policies, which the sandbox does not have: it
  /// does not delete an active certificate either.
  ///
  /// - Throws: CertificateStateException for an active certificate, ResourceNotFoundException.
  package func deletion(of id: CertificateID, forced: Bool) throws(SandboxError) -> RegisterChange {
    if try describe(id).status == .active {
      throw SandboxError(
        .certificateState, "Certificate must be deactivated (not ACTIVE) before deletion. Id: \(id.hex)")
    }
    return .delete(id)
  }

  /// Makes a change. One for a certificate that is not there (or, for `register`, is there) changes nothing.
  ///
  /// - Returns: Whether anything changed.
  @discardableResult
  package mutating func apply(_ change: RegisterChange) -> Bool {
    switch change {
    case .register(let certificate):
      guard records[certificate.id] == nil else { return false }
      records[certificate.id] = Record(sequence: nextSequence, certificate: certificate)
      order.append(Entry(sequence: nextSequence, id: certificate.id))
      nextSequence += 1
    case .setStatus(let id, let status, let time):
      guard records[id] != nil else { return false }
      records[id]?.certificate.status = status
      records[id]?.certificate.lastModifiedAt = time
    case .delete(let id):
      guard let record = records.removeValue(forKey: id) else { return false }
      order.remove(at: position(after: record.sequence - 1))
    }
    return true
  }

  // MARK: Lists

  /// A page of ListCertificates.
  package struct Page: Sendable {
    /// The certificates of the page, in order.
    package var certificates: [RegisteredCertificate]
    /// Where the next page begins; `nil` on the last one.
    package var next: PageMarker?
  }

  /// The certificates after `marker`, at most `size` of them, by the date of their creation.
  package func page(size: Int, after marker: PageMarker?, ascending: Bool) -> Page {
    let range: Range<Int>
    if ascending {
      let start = marker.map { position(after: $0.sequence) } ?? 0
      range = start..<min(start + size, order.count)
    } else {
      let end = marker.map { position(after: $0.sequence &- 1) } ?? order.count
      range = max(end - size, 0)..<end
    }
    let entries = ascending ? Array(order[range]) : order[range].reversed()
    let isLast = ascending ? range.upperBound == order.count : range.lowerBound == 0
    return Page(
      certificates: entries.compactMap { records[$0.id]?.certificate },
      next: isLast ? nil : entries.last.map { PageMarker(sequence: $0.sequence) })
  }

  /// The first position whose sequence is greater than `sequence`.
  private func position(after sequence: UInt64) -> Int {
    var low = 0
    var high = order.count
    while low < high {
      let middle = (low + high) / 2
      if order[middle].sequence <= sequence { low = middle + 1 } else { high = middle }
    }
    return low
  }
}

/// Where a page of a list ended. It stays valid when certificates are added or deleted.
package struct PageMarker: Hashable, Sendable {
  /// The sequence number of the last certificate of the page.
  package var sequence: UInt64

  package init(sequence: UInt64) {
    self.sequence = sequence
  }
}
