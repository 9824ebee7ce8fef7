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

  /// The pieces of a DER encoding: a certificate, the certificates of PKCS#7, or what else it is.
  ///
  /// - Parameter pem: The text to send for a certificate; `nil`: one made from the encoding.
  static func pieces(ofDER der: [UInt8], line: Int = 1, pem: String? = nil) -> [Piece] {
    switch DEROutline(der) {
    case .certificate: [Piece(line: line, content: .certificate(InputCertificate(der: der, pem: pem)))]
    case .pkcs7: bundle(der, line: line)
    case .thing(let thing): [Piece(line: line, content: .thing(thing))]
    case .other:
      [Piece(line: line, content: .damaged(InputError(.noCertificate, "the encoding is not that of a certificate")))]
    }
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
