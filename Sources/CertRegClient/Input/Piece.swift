import CertRegCodec

/// What a text or an encoding holds at one place.
struct Piece: Hashable {
  /// What it is.
  enum Content: Hashable {
    case certificate(InputCertificate)
    case otherContent(OtherContent)
    case damaged(InputError)
  }

  /// The line of the text on which it begins, from 1.
  var line: Int
  var content: Content

  /// The certificate; `nil` for anything else.
  var certificate: InputCertificate? {
    if case .certificate(let certificate) = content { certificate } else { nil }
  }

  /// Whether it is a certificate, and not that of an authority.
  var isOfDevice: Bool {
    certificate.map { $0.outline?.isAuthority != true } ?? false
  }

  /// Whether it was to be a certificate.
  var isDamaged: Bool {
    if case .damaged = content { true } else { false }
  }

  /// Whether it neither is nor was to be a certificate.
  var isOther: Bool {
    if case .otherContent = content { true } else { false }
  }

  /// More are not read at one place. A certificate takes several hundred bytes, so that no file has so many.
  static let maximumEncodings = 65_536

  /// The pieces of DER encodings one after the other: certificates, the certificates of PKCS#7, or what else they are.
  /// A certificate ends where its header says, so that nothing behind it is sent along.
  ///
  /// - Parameters:
  ///   - text: The text that stands for the encodings. It can hold a key in another form than they have.
  ///   - pem: The text to send for a certificate; `nil`: one made from the encoding.
  static func pieces(ofDER der: [UInt8], line: Int = 1, text: [UInt8]? = nil, pem: String? = nil) -> [Piece] {
    let run = DERRun(der[...], limit: maximumEncodings, canEndInText: text == nil)
    let isOnlyOne = run.encodings.count == 1 && run.rest.isEmpty
    var pieces: [Piece] = []
    for encoding in run.encodings {
      let found =
        isOnlyOne
        ? self.pieces(ofOne: Array(encoding), line: line, text: text, pem: encoding.count == der.count ? pem : nil)
        : self.pieces(ofOne: Array(encoding), line: line)
      for piece in found { pieces.add(piece) }
    }
    if !run.rest.isEmpty {
      for content in contents(ofRest: run, text: text) { pieces.append(Piece(line: line, content: content)) }
    }
    return pieces
  }

  /// What follows the encodings, or does not end where its header says. Nothing of that is a certificate: what stands
  /// within one moves its end.
  private static func contents(ofRest run: DERRun, text: [UInt8]?) -> [Content] {
    if run.encodings.count == maximumEncodings {
      let error = InputError(.tooLong, "\(run.rest.count) bytes are not read, behind \(maximumEncodings) encodings")
      return [.damaged(error)]
    }
    let bytes = Array(run.rest.prefix(PEMBlock.maximumBytes))
    if EmbeddedKey.isIn(text ?? bytes) { return [.otherContent(.privateKey)] }
    if run.isRestSeparate {
      return [.damaged(InputError(.damagedText, "\(run.rest.count) bytes of something else follow"))]
    }
    let error = InputError(
      .damagedText, "the encoding does not end where its header says: something else stands within or behind it")
    if case .otherContent(let other) = DEROutline(bytes) { return [.otherContent(other), .damaged(error)] }
    return [.damaged(error)]
  }

  private static func pieces(ofOne der: [UInt8], line: Int, text: [UInt8]? = nil, pem: String? = nil) -> [Piece] {
    let outline = DEROutline(der)
    if outline == .pkcs7 { return bundle(der, line: line) }
    return [Piece(line: line, content: content(der, outline, text: text, pem: pem))]
  }

  private static func content(_ der: [UInt8], _ outline: DEROutline, text: [UInt8]? = nil, pem: String? = nil)
    -> Content
  {
    if case .otherContent(let other) = outline { return .otherContent(other) }
    guard outline == .certificate else {
      return .damaged(InputError(.noCertificate, "the encoding is not that of a certificate"))
    }
    guard der.count <= PEMBlock.maximumBytes else {
      return .damaged(InputError(.tooLong, "more than 4 MiB, which no certificate has"))
    }
    let certificate = InputCertificate(der: der, pem: pem)
    // An encoding that is cut, or only begins like a certificate, can be anything.
    let isWhole = DERElements.declaredLength(der[...]) == der.count && certificate.outline != nil
    let holdsKey = isWhole ? KeyEncoding.isIn(certificate: der) : EmbeddedKey.isIn(text ?? der)
    return holdsKey ? .otherContent(.privateKey) : .certificate(certificate)
  }

  private static func bundle(_ der: [UInt8], line: Int) -> [Piece] {
    guard var bundle = PKCS7Bundle(der) else {
      let error = InputError(.noCertificate, "PKCS#7 that is damaged, or is no SignedData")
      return [Piece(line: line, content: .damaged(error))]
    }
    var pieces: [Piece] = []
    while pieces.count < maximumEncodings, let element = bundle.next() {
      let der = Array(element)
      pieces.add(Piece(line: line, content: content(der, DEROutline(der))))
    }
    if bundle.unreadBytes > 0 {
      let error = InputError(
        .damagedText, "the rest of the bundle is damaged: \(bundle.unreadBytes) bytes are not read")
      pieces.append(Piece(line: line, content: .damaged(error)))
    }
    return pieces.isEmpty ? [Piece(line: line, content: .otherContent(.emptyBundle))] : pieces
  }
}

extension [Piece] {
  /// Adds a piece. A run of the same damage at one place is one.
  fileprivate mutating func add(_ piece: Piece) {
    if !piece.isDamaged || piece != last { append(piece) }
  }
}
