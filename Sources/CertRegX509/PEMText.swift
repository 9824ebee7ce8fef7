import CertRegCodec
import CertRegCore

/// A text that may hold a certificate among other things: says what is in it and takes the certificate out.
struct PEMText {
  /// A label and what stands between its lines.
  struct Block {
    let label: Range<Int>
    var body: Range<Int>
    /// Whether the END line with the same label was there.
    var isComplete = false
    /// Label of the END line where it is another one.
    var otherEnd: Range<Int>?
  }

  /// Ways in which a text departs from the strict grammar of RFC 7468 section 3 (which has lines of 64; up to 76 are
  /// taken), each with the words for it.
  enum Departure: String, CaseIterable {
    case paddedBoundary = "white space around a BEGIN or END line"
    case longLine = "a base64 line of more than 76 characters"
    case unevenLines = "base64 lines of different lengths"
    case blankLine = "a blank line inside the base64"
    case whiteSpace = "white space inside the base64"
    case controlCharacter = "control characters"
    case loneCR = "line ends of CR without LF"
  }

  let text: UnsafeRawBufferPointer
  private(set) var certificate: Block?
  /// How many blocks are certificates, those in OpenSSL's own form included.
  private(set) var certificateCount = 0
  /// Label of the first block that is not a certificate, and of the first that holds a private key.
  private(set) var otherLabel: Range<Int>?
  private(set) var privateKeyLabel: Range<Int>?
  private(set) var hasTextOutside = false
  private(set) var departures: Set<Departure> = []

  /// The text has to outlive the value.
  init(_ text: UnsafeRawBufferPointer) {
    self.text = text
    let start = PEMText.hasByteOrderMark(text) ? 3 : 0
    hasTextOutside = start > 0
    var open: Block?
    for line in PEMLines(text, from: start) {
      if line.endsWithLoneCR { departures.insert(.loneCR) }
      if let label = PEMLines.beginLabel(line.content, in: text) {
        if line.content != line.whole { departures.insert(.paddedBoundary) }
        if let unfinished = open { close(unfinished) }
        open = Block(label: label, body: line.content.upperBound..<line.content.upperBound)
      } else if var block = open, let label = PEMLines.endLabel(line.content, in: text) {
        if line.content != line.whole { departures.insert(.paddedBoundary) }
        block.body = block.body.lowerBound..<line.content.lowerBound
        block.isComplete = text[label].elementsEqual(text[block.label])
        if !block.isComplete { block.otherEnd = label }
        close(block)
        open = nil
      } else if var block = open {
        block.body = block.body.lowerBound..<line.content.upperBound
        open = block
      } else if !line.content.isEmpty {
        hasTextOutside = true
      }
    }
    if let unfinished = open { close(unfinished) }
    if text.contains(where: PEMText.isControl) { departures.insert(.controlCharacter) }
  }

  private mutating func close(_ block: Block) {
    if isCertificate(block.label) {
      certificateCount += 1
      if certificate == nil { certificate = block }
    } else {
      if text[block.label].elementsEqual("TRUSTED CERTIFICATE".utf8) { certificateCount += 1 }
      if otherLabel == nil { otherLabel = block.label }
      if privateKeyLabel == nil, text[block.label].suffix(11).elementsEqual("PRIVATE KEY".utf8) {
        privateKeyLabel = block.label
      }
    }
  }

  private func isCertificate(_ label: Range<Int>) -> Bool {
    text[label].elementsEqual("CERTIFICATE".utf8) || isLegacy(label)
  }

  private func isLegacy(_ label: Range<Int>) -> Bool {
    text[label].elementsEqual("X509 CERTIFICATE".utf8)
  }

  private static func hasByteOrderMark(_ text: UnsafeRawBufferPointer) -> Bool {
    text.starts(with: [0xef, 0xbb, 0xbf])
  }

  private static func isControl(_ byte: UInt8) -> Bool {
    byte < 0x20 && byte != 0x09 && byte != 0x0a && byte != 0x0d || byte == 0x7f
  }

  /// A label as it may be shown: other characters than those of a label (RFC 7468 section 3) and long ends are left
  /// out.
  func name(_ label: Range<Int>) -> String {
    let shown = text[label].prefix(48).map { $0 >= 0x20 && $0 < 0x7f ? $0 : UInt8(ascii: "?") }
    return String(decoding: shown, as: UTF8.self) + (label.count > 48 ? "…" : "")
  }
}

extension PEMText {
  /// The DER of the one certificate.
  ///
  /// - Throws: the first thing that is wrong with the text, or that policies do not take where the collector is not
  ///   exhaustive.
  func certificate(_ findings: inout FindingCollector) throws(ServiceError) -> [UInt8] {
    guard certificateCount > 0 || otherLabel != nil else { throw PEMAdvice.noBeginLine(text) }
    guard let block = certificate else { throw PEMAdvice.wrongLabel(self) }
    guard certificateCount == 1 else {
      throw CertificateReason.multipleCertificates.error(
        "the text holds \(certificateCount) certificates; exactly one is required, so send each in a request of its own"
          + privateKeyWarning)
    }
    let der = try decode(block)
    try checkSurroundings(block, &findings)
    try checkGrammar(block, &findings)
    return der
  }

  /// To be added to a message where the text holds a private key.
  var privateKeyWarning: String {
    guard let privateKeyLabel else { return "" }
    return "; it also holds a private key (\(name(privateKeyLabel))), which must never be sent here"
  }

  private func decode(_ block: Block) throws(ServiceError) -> [UInt8] {
    let reason = CertificateReason.truncatedBase64
    if let otherEnd = block.otherEnd {
      throw reason.error(
        "the block begins with BEGIN \(name(block.label)) but ends with END \(name(otherEnd)); "
          + "both labels have to be the same" + privateKeyWarning)
    }
    guard block.isComplete else {
      throw reason.error(
        "the line -----END \(name(block.label))----- is missing: the text was cut, or the line is not by itself"
          + privateKeyWarning)
    }
    let der: [UInt8]
    do throws(Base64.Fault) {
      der = try Base64.decode(text[block.body])
    } catch {
      switch error {
      case .character(let byte):
        throw reason.error(PEMAdvice.badCharacter(byte, in: self, block: block) + privateKeyWarning)
      case .lengthOrPadding:
        throw reason.error(
          "the base64 text is cut or wrongly padded: it has to be groups of four characters, "
            + "the last one filled up with =" + privateKeyWarning)
      }
    }
    guard !der.isEmpty else {
      throw CertificateReason.noCertificate.error(
        "nothing stands between the BEGIN and END lines; the base64 text of one certificate is required")
    }
    return der
  }

  private func checkSurroundings(_ block: Block, _ findings: inout FindingCollector) throws(ServiceError) {
    if isLegacy(block.label) {
      try findings.report(
        .wrongPEMLabel, under: [.legacyPEMLabel],
        "the label is X509 CERTIFICATE; CERTIFICATE is required (RFC 7468 section 5.1)", source: "RFC 7468 section 5.1")
    }
    if let otherLabel {
      try findings.report(
        .extraPEMBlock, under: [.extraPEMBlock],
        "beside the certificate the text holds \(name(otherLabel)); exactly one CERTIFICATE block is required"
          + privateKeyWarning, source: "AWS IoT API reference, RegisterCertificateWithoutCA")
    }
    if hasTextOutside {
      try findings.report(
        .notPEM, under: [.explanatoryText],
        PEMText.hasByteOrderMark(text)
          ? "a byte-order mark stands before the certificate; nothing but the CERTIFICATE block is allowed"
          : "text stands outside the certificate; nothing but the CERTIFICATE block is allowed",
        source: "RFC 7468 sections 2 and 5.2")
    }
  }

  private func checkGrammar(_ block: Block, _ findings: inout FindingCollector) throws(ServiceError) {
    let choice = findings.policies[.pemStrictness]
    guard choice != .allow || findings.isExhaustive else { return }
    let found = departures.union(departures(inside: block))
    // What is indented has no BEGIN line for other readers.
    let isIndented = isIndented(block)
    let reason = isIndented ? CertificateReason.notPEM : .truncatedBase64
    let words = Departure.allCases.filter(found.contains).map(\.rawValue).joined(separator: ", ")
    if !found.isEmpty {
      try findings.report(
        reason, under: [.pemStrictness], "the text is not strict PEM (RFC 7468 section 3): \(words)",
        source: "RFC 7468 section 3")
    }
    var reader = OpenSSLPEMReader(text)
    if reader.certificateLabel() != block.label {
      try findings.report(
        reason, choice == .allow ? .warning : .error,
        isIndented
          ? "the BEGIN line is indented, so that OpenSSL does not take it for one: it has to begin at the start of its line"
          : "OpenSSL would not read this certificate from the text"
            + (words.isEmpty ? ": blank lines or what stands before the certificate are in its way" : ": \(words)"),
        source: "validation policy pem_strictness")
    }
  }

  private func isIndented(_ block: Block) -> Bool {
    // The label stands behind "-----BEGIN ".
    let start = block.label.lowerBound - 11
    return start > 0 && (text[start - 1] == UInt8(ascii: " ") || text[start - 1] == UInt8(ascii: "\t"))
  }

  /// Departures that concern the lines of the base64 text. Their lengths are taken with white space.
  private func departures(inside block: Block) -> Set<Departure> {
    var found: Set<Departure> = []
    var width: Int?
    var lastLength: Int?
    let throughBody = UnsafeRawBufferPointer(rebasing: text[..<block.body.upperBound])
    // The first line is the rest of the BEGIN line.
    for line in PEMLines(throughBody, from: block.body.lowerBound).dropFirst() {
      let length = line.whole.count
      if line.content.isEmpty {
        // What stands before the END line on its own line is no line of the body.
        if line.whole.upperBound < block.body.upperBound { found.insert(.blankLine) }
        continue
      }
      if length > 76 { found.insert(.longLine) }
      if text[line.whole].contains(where: Base64.isWhiteSpace) { found.insert(.whiteSpace) }
      // All lines but the last have the length of the first, and the last is no longer.
      if let lastLength, lastLength != width { found.insert(.unevenLines) }
      if width == nil { width = length }
      lastLength = length
    }
    if let lastLength, let width, lastLength > width { found.insert(.unevenLines) }
    return found
  }
}
