import CertRegCodec

/// What a text or an encoding holds at one place.
struct Piece: Hashable {
  /// What it is.
  enum Content: Hashable {
    case certificate(InputCertificate)
    case thing(Thing)
    case damaged(InputError)
  }

  /// The line of the text on which it begins, from 1.
  var line: Int
  var content: Content

  /// The certificate; `nil` for anything else.
  var certificate: InputCertificate? {
    if case .certificate(let certificate) = content { certificate } else { nil }
  }

  /// Whether it was to be a certificate.
  var isDamaged: Bool {
    if case .damaged = content { true } else { false }
  }

  /// Fewer bytes hold no private key. The daemon judges a certificate with so many behind it.
  private static let shortestKeyBytes = 16

  /// The pieces of DER encodings one after the other: certificates, the certificates of PKCS#7, or what else they are. A
  /// certificate ends where its header says, so that nothing behind it is sent along.
  ///
  /// - Parameter pem: The text to send for a certificate; `nil`: one made from the encoding.
  static func pieces(ofDER der: [UInt8], line: Int = 1, pem: String? = nil) -> [Piece] {
    var pieces: [Piece] = []
    var rest = der[...]
    repeat {
      let length = DERElements.declaredLength(rest) ?? rest.count
      let encoding = rest.count - length < shortestKeyBytes ? rest : rest.prefix(length)
      pieces += self.pieces(ofOne: Array(encoding), line: line, pem: encoding.count == der.count ? pem : nil)
      rest = rest.dropFirst(encoding.count).drop { Base64.isWhiteSpace($0) || $0 == 0 }
    } while rest.first == 0x30
    if !rest.isEmpty { pieces.append(Piece(line: line, content: remainder(Array(rest)))) }
    return pieces
  }

  /// What follows an encoding and is none.
  private static func remainder(_ bytes: [UInt8]) -> Content {
    if EmbeddedKey.isIn(bytes) { return .thing(.privateKey) }
    return .damaged(InputError(.damagedText, "\(bytes.count) bytes of something else follow"))
  }

  private static func pieces(ofOne der: [UInt8], line: Int, pem: String?) -> [Piece] {
    switch DEROutline(der) {
    case .certificate: [Piece(line: line, content: content(InputCertificate(der: der, pem: pem), der))]
    case .pkcs7: bundle(der, line: line)
    case .thing(let thing): [Piece(line: line, content: .thing(thing))]
    case .other:
      [Piece(line: line, content: .damaged(InputError(.noCertificate, "the encoding is not that of a certificate")))]
    }
  }

  /// What only begins like a certificate can be a key within another SEQUENCE.
  private static func content(_ certificate: InputCertificate, _ der: [UInt8]) -> Content {
    certificate.outline == nil && KeyEncoding.isIn(der) ? .thing(.privateKey) : .certificate(certificate)
  }

  private static func bundle(_ der: [UInt8], line: Int) -> [Piece] {
    guard let bundle = PKCS7Bundle(der) else {
      let error = InputError(.noCertificate, "PKCS#7 that is damaged, or is no SignedData")
      return [Piece(line: line, content: .damaged(error))]
    }
    let pieces = bundle.map { Piece(line: line, content: .certificate(InputCertificate(der: Array($0)))) }
    return pieces.isEmpty ? [Piece(line: line, content: .thing(.emptyBundle))] : pieces
  }
}
