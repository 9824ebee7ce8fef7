/// What a certificate says of its device, for the placeholders of provisioning profiles.
package struct CertificateNames: Hashable, Sendable {
  /// The last common name of the subject (RFC 5280 section 4.1.2.6), in which control characters are escaped; `nil`: it
  /// has none.
  package var commonName: String?
  /// The serial number (RFC 5280 section 4.1.2.2), in lower-case hex with two digits for each byte.
  package var serialNumber: String

  /// Reads a certificate that the validator has accepted; `nil`: it is encoded in BER.
  package init?(der: [UInt8]) {
    guard let fields = try? CertificateFields(der: der) else { return nil }
    commonName = DistinguishedName(fields.subject, in: der).attributes.last { $0.type == "CN" }?.value
    serialNumber = SerialNumber(der[fields.serialNumber]).hex
  }
}
