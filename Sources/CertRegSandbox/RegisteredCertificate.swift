package import CertRegCore

/// A certificate as the register keeps it.
package struct RegisteredCertificate: Hashable, Sendable {
  package var id: CertificateID
  /// The DER encoding.
  package var der: [UInt8]
  package var status: CertificateStatus
  package var createdAt: WallTime
  package var lastModifiedAt: WallTime
  /// `tbsCertificate.validity` (RFC 5280 section 4.1.2.5).
  package var notBefore: WallTime
  package var notAfter: WallTime
  package var generationID: UniqueID

  package init(
    id: CertificateID, der: [UInt8], status: CertificateStatus, createdAt: WallTime, lastModifiedAt: WallTime,
    notBefore: WallTime, notAfter: WallTime, generationID: UniqueID
  ) {
    self.id = id
    self.der = der
    self.status = status
    self.createdAt = createdAt
    self.lastModifiedAt = lastModifiedAt
    self.notBefore = notBefore
    self.notAfter = notAfter
    self.generationID = generationID
  }
}

/// What an operation does to a register. A register is the sum of its changes, so they are also what a state file holds.
package enum RegisterChange: Hashable, Sendable {
  case register(RegisteredCertificate)
  case setStatus(CertificateID, CertificateStatus, at: WallTime)
  case delete(CertificateID)
}
