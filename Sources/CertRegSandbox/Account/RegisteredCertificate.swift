package import CertRegCore

/// A certificate as the register keeps it.
package struct RegisteredCertificate: Hashable, Sendable {
  /// SHA-256 of the DER encoding.
  package var id: CertificateID
  /// The DER encoding.
  package var der: [UInt8]
  /// The status now.
  package var status: CertificateStatus
  /// When it was registered.
  package var createdAt: WallTime
  /// When it was registered or its status was last set.
  package var lastModifiedAt: WallTime
  /// `tbsCertificate.validity` (RFC 5280 section 4.1.2.5).
  package var notBefore: WallTime
  /// The end of the validity (RFC 5280 section 4.1.2.5).
  package var notAfter: WallTime
  /// `generationId` of DescribeCertificate.
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
