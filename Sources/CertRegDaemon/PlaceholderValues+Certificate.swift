import CertRegCore
import CertRegX509

extension PlaceholderValues.Certificate {
  /// Reads a certificate that the validator has accepted; `nil`: see ``CertificateNames``.
  init?(der: [UInt8]) {
    guard let names = CertificateNames(der: der) else { return nil }
    self.init(commonName: names.commonName, serialNumber: names.serialNumber)
  }
}
