package import CertRegCore

/// A certificate that was found fit to be registered.
package struct JudgedCertificate: Hashable, Sendable {
  /// SHA-256 of the DER encoding.
  package var id: CertificateID
  /// The DER encoding.
  package var der: [UInt8]
  /// `tbsCertificate.validity` (RFC 5280 section 4.1.2.5).
  package var notBefore: WallTime
  /// The end of the validity (RFC 5280 section 4.1.2.5).
  package var notAfter: WallTime

  package init(id: CertificateID, der: [UInt8], notBefore: WallTime, notAfter: WallTime) {
    self.id = id
    self.der = der
    self.notBefore = notBefore
    self.notAfter = notAfter
  }
}

/// Says whether a certificate can be registered.
package protocol CertificateJudge: Sendable {
  /// Reads the one certificate in `pem` and judges it as of `now`.
  ///
  /// - Throws: CertificateValidationException that names the fault.
  func judge(pem: String, at now: WallTime) throws(SandboxError) -> JudgedCertificate
}
