import CertRegCodec

/// A PEM block while it is read, and what it comes to.
struct PEMBlock {
  /// The longest block that is kept in memory.
  static let maximumBytes = 4 * 1024 * 1024

  /// The line of the BEGIN boundary.
  let line: Int
  let begin: PEMBoundary
  /// What stands before the boundary on its line, as in `// -----BEGIN`.
  let prefix: [UInt8]
  /// The same without the spaces around it: a comment sign or a quotation mark.
  private let sign: ArraySlice<UInt8>
  /// Whether a script writes the block line by line, as in `echo MIIB>>device.pem`.
  private let isEchoed: Bool
  /// Whether the block has the form of RFC 7468, so that its text can be sent as it is.
  var isPlain: Bool
  private(set) var body: [UInt8] = []
  /// Whether lines were left out, because the block is too long.
  private(set) var isTooLong = false
  /// Whether a line has so many characters of base64 in a row as no text has.
  private(set) var hasBase64 = false

  init(line: Int, begin: PEMBoundary, prefix: [UInt8], isPlain: Bool) {
    self.line = line
    self.begin = begin
    self.prefix = prefix
    sign = PEMBlock.trimmed(prefix[...])
    // A parenthesis or a dot keeps words of the text from being taken for options.
    let command = sign.last.map("(.".utf8.contains) == true ? sign.dropLast() : sign
    isEchoed = command.suffix(4).map { $0 | 0x20 }.elementsEqual("echo".utf8)
    self.isPlain = isPlain
  }

  /// Adds a line of the body.
  mutating func append(_ text: ArraySlice<UInt8>) {
    guard body.count + text.count < PEMBlock.maximumBytes else {
      isTooLong = true
      return
    }
    let line = isPlain ? text : undecorated(text)
    body.append(contentsOf: line)
    body.append(0x0A)
    if !hasBase64 { hasBase64 = PEMBlock.holdsBase64(line) }
  }

  /// Whether nothing stands behind BEGIN yet.
  var isEmpty: Bool { body.allSatisfy(Base64.isWhiteSpace) }

  /// Whether the block is a heading such as `--- Device certificate ---`, and no block at all.
  func isHeading(end: PEMBoundary?) -> Bool {
    !begin.isExact && !hasBase64 && end?.isExact != true
  }

  /// Whether a word of the line is base64. Long words of languages have no digits, and no capitals but the first.
  private static func holdsBase64(_ line: ArraySlice<UInt8>) -> Bool {
    let values = Base64.values
    return line.split(whereSeparator: Base64.isWhiteSpace).contains { word in
      // A diff writes hyphens in front of lines that are removed.
      let word = word.first == UInt8(ascii: "-") ? word.dropFirst() : word
      return word.count >= 16 && word.allSatisfy { values[Int($0)] != Base64.invalid }
        && word.dropFirst().contains { $0 < UInt8(ascii: "a") }
    }
  }

  /// A line without the comment sign or quotation mark that the BEGIN line has, and without spaces around it.
  private func undecorated(_ text: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
    var text = PEMBlock.trimmed(text)
    if !sign.isEmpty, PEMBlock.begins(text, with: sign) { text = PEMBlock.trimmed(text.dropFirst(sign.count)) }
    if isEchoed, let redirection = text.firstIndex(of: UInt8(ascii: ">")) {
      text = PEMBlock.trimmed(text[..<redirection])
      if sign.first == UInt8(ascii: "("), text.last == UInt8(ascii: ")") { text = PEMBlock.trimmed(text.dropLast()) }
      // The number of the standard output.
      if text.suffix(2).elementsEqual(" 1".utf8) || text.elementsEqual("1".utf8) { text = text.dropLast() }
    }
    return text
  }

  /// Whether a line begins with a sign. grep writes a colon behind the name of a file where a line matches, and a hyphen
  /// where it does not.
  private static func begins(_ text: ArraySlice<UInt8>, with sign: ArraySlice<UInt8>) -> Bool {
    if text.starts(with: sign) { return true }
    let marks = ":-".utf8
    guard let last = sign.last, marks.contains(last), text.starts(with: sign.dropLast()) else { return false }
    return text.dropFirst(sign.count - 1).first.map(marks.contains) ?? false
  }

  static func trimmed(_ text: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
    var text = text
    while let first = text.first, Base64.isWhiteSpace(first) { text.removeFirst() }
    while let last = text.last, Base64.isWhiteSpace(last) { text.removeLast() }
    return text
  }

  /// What the block holds.
  ///
  /// - Parameter end: Its END boundary; `nil` where there is none.
  func pieces(end: PEMBoundary?) -> [Piece] {
    let plain = Base64.decodeAnyForm(body)
    let der = (isPlain ? nil : withoutLabels) ?? plain ?? PEMBlock.mended(body)
    let outline = DEROutline(der ?? PEMBlock.decodedBeginning(body))
    let other = begin.isExact ? PEMLabel.otherContent(begin.label) : nil
    if let found = unmatched(end, der) { return found }
    let isMisnamed = other == .otherBlock && (outline == .certificate || PEMLabel.isMisspelled(begin.label))
    // Parameters can begin as a key does.
    let labels = Array((begin.label + " " + (end?.label ?? "")).utf8)
    if let secret = secret(labels, other == .parameters ? .unknown : outline) {
      return [Piece(line: line, content: .otherContent(secret))]
    }
    if let other, !isMisnamed { return [Piece(line: line, content: .otherContent(other))] }
    // Microsoft writes bundles as certificates.
    let isBundle =
      ["PKCS7", "PKCS #7 SIGNED DATA", "CMS"].contains(begin.label)
      || begin.label.hasSuffix("CERTIFICATE") && der != nil && outline == .pkcs7
    // Of a certificate or a bundle that can be decoded nothing is sent but the certificates.
    let isDecoded = der != nil && (outline == .certificate || isBundle && outline == .pkcs7)
    if !isDecoded, EmbeddedKey.isIn(body) { return [Piece(line: line, content: .otherContent(.privateKey))] }
    if isHeading(end: end) { return [Piece(line: line, content: .otherContent(.text))] }
    if let error = damage(end, isMisnamed: isMisnamed) { return [Piece(line: line, content: .damaged(error))] }
    if isBundle {
      guard let der else {
        let error = InputError(.noCertificate, "a \(begin.label) block that is not base64")
        return [Piece(line: line, content: .damaged(error))]
      }
      return Piece.pieces(ofDER: der, line: line, text: body)
    }
    guard let der, outline == .certificate else {
      if der != nil, case .otherContent(let other) = outline, other != .parameters {
        return [Piece(line: line, content: .damaged(InputError(other)))]
      }
      return [Piece(line: line, content: undecodable(end, outline))]
    }
    let found = Piece.pieces(
      ofDER: der, line: line, text: body,
      pem: plain != nil && (isPlain || end == nil) && !hasBlankLine ? text(end, body) : nil)
    let hasMore = DERElements.declaredLength(der[...]).map { $0 < der.count } ?? false
    guard begin.label == "TRUSTED CERTIFICATE", hasMore, !found.contains(where: \.isOther) else { return found }
    return [Piece(line: line, content: .damaged(PEMBlock.trusted))]
  }

  /// The error for a block in OpenSSL's own form.
  private static var trusted: InputError {
    InputError(
      .damagedText, "a certificate with what OpenSSL trusts it for behind it, which is no part of it",
      advice: "openssl x509 -in FILE | certregctl register -")
  }

  /// What a certificate comes to whose END line is that of something else; `nil` for any other block. A key can follow
  /// the certificate.
  private func unmatched(_ end: PEMBoundary?, _ der: [UInt8]?) -> [Piece]? {
    guard let end, !end.label.contains("CERTIF") || PEMLabel.otherContent(end.label) != nil,
      begin.label.hasSuffix("CERTIFICATE"), DEROutline(PEMBlock.decodedBeginning(body)) == .certificate
    else { return nil }
    let error = InputError(
      .damagedText, "the END line is that of another block: it has to read -----END \(begin.label)-----")
    let failed = Piece(line: line, content: .damaged(error))
    let whole = der.flatMap { DERElements.declaredLength($0[...]) == $0.count ? $0 : nil }
    let mayHoldKey =
      whole.map(KeyEncoding.isIn(certificate:)) ?? (end.label.contains("PRIVATE") || EmbeddedKey.isIn(body))
    return mayHoldKey ? [failed, Piece(line: line, content: .otherContent(.privateKey))] : [failed]
  }

  /// The certificate that a body stands for in which another character stands in place of line ends, or that is text in
  /// quoted-printable (RFC 2045 section 6.7); `nil` for anything else.
  private static func mended(_ body: [UInt8]) -> [UInt8]? {
    let others = Set(body.filter { Base64.values[Int($0)] == Base64.invalid && !Base64.isWhiteSpace($0) })
    var text = body
    if others.isEmpty {
      guard body.containsText("=3D") else { return nil }
      text = Array(String(decoding: body, as: UTF8.self).replacing("=3D", with: "=").utf8)
    } else {
      guard others.count == 1, let other = others.first, "|;,~^$#".utf8.contains(other) else { return nil }
      text.removeAll { $0 == other }
    }
    guard let der = Base64.decodeAnyForm(text), DERElements.declaredLength(der[...]) == der.count else { return nil }
    return DEROutline(der) == .certificate ? der : nil
  }

  /// The certificate of lines with words in front of them that differ, such as numbers, times and borders; `nil` for
  /// anything else.
  private var withoutLabels: [UInt8]? {
    let count = PEMBlock.words(prefix[...]).count
    guard count > 0 else { return nil }
    var behindLabels: [UInt8] = []
    var lastWords: [UInt8] = []
    // psql continues each line of a cell with this sign, that of BEGIN, too.
    let isContinued = body.starts(with: "+\n".utf8)
    for line in body.split(separator: 0x0A) {
      let words = PEMBlock.words(isContinued && line.last == UInt8(ascii: "+") ? line.dropLast() : line)
      // A line without the label had the same one as BEGIN.
      behindLabels += words.dropFirst(words.count < count ? 0 : count).joined()
      lastWords += words.last ?? []
    }
    return [behindLabels, lastWords].lazy.compactMap { text in
      guard let der = Base64.decodeAnyForm(text), DERElements.declaredLength(der[...]) == der.count else { return nil }
      return DEROutline(der) == .certificate ? der : nil
    }.first
  }

  /// The words of a line, without the sign at its end by which psql continues a cell.
  private static func words(_ line: ArraySlice<UInt8>) -> [ArraySlice<UInt8>] {
    let words = line.split { Base64.isWhiteSpace($0) || "|:-".utf8.contains($0) }
    return words.last == [UInt8(ascii: "+")] ? words.dropLast() : words
  }

  /// Whether a hyphen stands in front of each line.
  private var isInRemovedLines: Bool {
    !begin.isExact && hasBase64 && body.split(separator: 0x0A).allSatisfy { $0.first == UInt8(ascii: "-") }
  }

  /// Whether an empty line stands between the lines, as OpenSSL reads none.
  private var hasBlankLine: Bool {
    body.split(separator: 0x0A, omittingEmptySubsequences: false).dropLast().contains {
      $0.allSatisfy(Base64.isWhiteSpace)
    }
  }

  /// The lines of the block, with these between BEGIN and END.
  func text(_ end: PEMBoundary?, _ body: [UInt8]) -> String {
    let label = begin.label
    let first = isPlain ? String(decoding: prefix, as: UTF8.self) : "-----BEGIN \(label)-----"
    let last = end.map { "-----END \($0.label)-----\n" } ?? ""
    return first + "\n" + TextEncoding.string(body) + last
  }

  /// The private key that the block is or contains, whatever its labels say.
  private func secret(_ labels: [UInt8], _ outline: DEROutline) -> OtherContent? {
    if labels.containsText("PRIVATE") && labels.containsText("KEY") { return .privateKey }
    if labels.containsText("PKCS12") || labels.containsText("PKCS #12") || labels.containsText("PFX") {
      return .keyContainer
    }
    if case .otherContent(let other) = outline, other.isSecret { return other }
    if body.containsText("PRIVATE KEY") || body.containsText("Proc-Type:") { return .privateKey }
    return nil
  }

  /// The bytes that the base64 characters at the beginning of `text` stand for.
  private static func decodedBeginning(_ text: [UInt8]) -> [UInt8] {
    var decoder = Base64.Decoder()
    var bytes: [UInt8] = []
    for byte in text.prefix(4096) where !Base64.isWhiteSpace(byte) {
      guard (try? decoder.feed(byte, into: &bytes)) != nil else { break }
    }
    return bytes
  }

  /// Why the block cannot be read although it was to be a certificate.
  ///
  /// - Parameter isMisnamed: Whether the label is one that no block has, in place of that of a certificate.
  private func damage(_ end: PEMBoundary?, isMisnamed: Bool) -> InputError? {
    if isTooLong { return InputError(.tooLong, "a block of more than 4 MiB, which no certificate has") }
    if begin.hasOtherDashes || end?.hasOtherDashes == true {
      return InputError(
        .damagedText, "a word processor has put other dashes in place of hyphens around BEGIN and END",
        advice: PEMBlock.dashesCommand)
    }
    let isMisspelled = !begin.label.hasSuffix("CERTIFICATE") && begin.label.contains("CERTIF")
    if isInRemovedLines {
      return InputError(
        .damagedText, "a hyphen stands in front of each line of the block, as a diff writes lines that are removed",
        advice: "if it is to be registered: sed 's/^-//' FILE | certregctl register -")
    }
    if !begin.isExact || isMisnamed || isMisspelled {
      if let other = PEMLabel.otherContent(begin.label), other != .otherBlock {
        return InputError(.otherContent, "\(other.name), with a damaged BEGIN line")
      }
      return InputError(.damagedText, "the BEGIN line is damaged: it has to read -----BEGIN CERTIFICATE-----")
    }
    if end == nil, Base64.decodeAnyForm(body).map({ DERElements.declaredLength($0[...]) == $0.count }) == true {
      return InputError(.damagedText, "the END line is missing: it has to read -----END \(begin.label)-----")
    }
    if let end, !end.isExact {
      return InputError(.damagedText, "the END line is damaged: it has to read -----END \(begin.label)-----")
    }
    return nil
  }

  /// Puts hyphens back around BEGIN and END, whatever the encoding of the dashes is.
  static let dashesCommand =
    #"LC_ALL=C sed -E 's/[^A-Z0-9 ]+ *(BEGIN|END) ([A-Z0-9 ]*[A-Z0-9]) *[^A-Z0-9 ]+/-----\1 \2-----/' FILE | certregctl register -"#
}
