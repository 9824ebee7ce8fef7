package import CertRegCore

/// The content of a certificate, for people.
package struct CertificateDescription: Hashable, Sendable {
  /// Sizes of a certificate's two forms.
  package struct Sizes: Hashable, Sendable {
    /// The length of the DER encoding.
    package var derBytes: Int
    /// As PEM with lines of 64 characters, the form in which it goes upstream.
    package var pemCharacters: Int

    package init(derBytes: Int, pemCharacters: Int) {
      self.derBytes = derBytes
      self.pemCharacters = pemCharacters
    }
  }

  /// The subject (RFC 5280 section 4.1.2.6).
  package var subject: DistinguishedName
  /// The issuer (RFC 5280 section 4.1.2.4).
  package var issuer: DistinguishedName
  /// Lower-case hexadecimal, with `-` before a negative number; empty if it could not be read.
  package var serialNumber: String
  /// `nil` if the time is not of a form that RFC 5280 allows.
  package var notBefore: WallTime?
  /// The end of the validity; `nil` as for `notBefore`.
  package var notAfter: WallTime?
  /// The kind and size of the public key.
  package var publicKey: PublicKeyDescription
  /// Name or object identifier of the signature algorithm.
  package var signatureAlgorithm: String
  /// 1 to 3; other numbers as encoded, and `nil` for an absurdly large one.
  package var version: Int?
  /// Whether basic constraints, of which there may be several, say that it is an authority (RFC 5280 section 4.2.1.9).
  package var isCA: Bool
  /// The sizes of the two forms.
  package var sizes: Sizes

  package init(
    subject: DistinguishedName, issuer: DistinguishedName, serialNumber: String, notBefore: WallTime?,
    notAfter: WallTime?, publicKey: PublicKeyDescription, signatureAlgorithm: String, version: Int?, isCA: Bool,
    sizes: Sizes
  ) {
    self.subject = subject
    self.issuer = issuer
    self.serialNumber = serialNumber
    self.notBefore = notBefore
    self.notAfter = notAfter
    self.publicKey = publicKey
    self.signatureAlgorithm = signatureAlgorithm
    self.version = version
    self.isCA = isCA
    self.sizes = sizes
  }

  /// Describes a certificate whose fields could be read.
  init(
    _ fields: CertificateFields, publicKey: PublicKeyDescription, notBefore: WallTime?, notAfter: WallTime?, isCA: Bool
  ) {
    self.init(
      subject: DistinguishedName(fields.subject, in: fields.der),
      issuer: DistinguishedName(fields.issuer, in: fields.der),
      serialNumber: SerialNumber(fields.der[fields.serialNumber]).hex,
      notBefore: notBefore, notAfter: notAfter, publicKey: publicKey,
      signatureAlgorithm: SignatureAlgorithmCheck.name(fields.signatureAlgorithm, in: fields.der),
      version: fields.version, isCA: isCA, sizes: CertificateDescription.sizes(of: fields.der))
  }

  /// Describes a certificate whose fields cannot be read because they are encoded in BER.
  init(unreadable der: [UInt8]) {
    self.init(
      subject: DistinguishedName(), issuer: DistinguishedName(), serialNumber: "", notBefore: nil, notAfter: nil,
      publicKey: PublicKeyDescription(algorithm: "unknown"), signatureAlgorithm: "unknown", version: nil, isCA: false,
      sizes: CertificateDescription.sizes(of: der))
  }

  private static func sizes(of der: [UInt8]) -> Sizes {
    let base64 = (der.count + 2) / 3 * 4
    let boundaries = "-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----\n".utf8.count
    return Sizes(derBytes: der.count, pemCharacters: base64 + (base64 + 63) / 64 + boundaries)
  }
}

/// A serial number (RFC 5280 section 4.1.2.2), from the octets of its INTEGER.
struct SerialNumber {
  let isNegative: Bool
  /// Big-endian, without leading zeros.
  let magnitude: [UInt8]
  /// Octets of the encoding; 20 at most are allowed.
  let length: Int

  init(_ octets: ArraySlice<UInt8>) {
    length = octets.count
    isNegative = (octets.first ?? 0) >= 0x80
    var magnitude = Array(octets)
    if isNegative {
      var carry = true
      for index in magnitude.indices.reversed() {
        magnitude[index] = ~magnitude[index]
        if carry { (magnitude[index], carry) = magnitude[index].addingReportingOverflow(1) }
      }
    }
    self.magnitude = Array(magnitude.drop { $0 == 0 })
  }

  var hex: String {
    (isNegative ? "-" : "") + (magnitude.isEmpty ? "00" : lowercaseHex(magnitude))
  }
}
