import CertRegCodec

/// A place in a text that begins or ends a PEM block (RFC 7468 section 3), well formed or damaged.
struct PEMBoundary: Equatable {
  /// The boundary with its hyphens.
  var range: Range<Int>
  /// Whether it begins a block.
  var begins: Bool
  /// The label in upper case.
  var label: String
  /// Whether it is of the form that RFC 7468 requires.
  var isExact: Bool
  /// Whether a word processor has put other dashes in place of hyphens.
  var hasOtherDashes: Bool

  /// The longest label that is looked for.
  private static let maximumLabel = 48

  /// The first boundary at or after `start`; `nil` where there is none.
  static func first(in text: ArraySlice<UInt8>, from start: Int) -> PEMBoundary? {
    var index = start
    while index < text.endIndex {
      // A word begins at this byte, or none does.
      let byte = text[index] | 0x20
      if byte == UInt8(ascii: "b") || byte == UInt8(ascii: "e"),
        let boundary = PEMBoundary(text, keyword: index, from: start)
      {
        return boundary
      }
      index += 1
    }
    return misspelled(text, from: start)
  }

  private init?(_ text: ArraySlice<UInt8>, keyword: Int, from start: Int) {
    let begins = PEMBoundary.hasWord("begin", text, at: keyword)
    guard begins || PEMBoundary.hasWord("end", text, at: keyword) else { return nil }
    let before = DashRun(endingAt: PEMBoundary.skipSpacesBack(text, keyword), in: text)
    // In a word like SPEND- no boundary begins.
    if before.count == 0, keyword > text.startIndex, PEMBoundary.isWordByte(text[keyword - 1]) { return nil }
    var end = keyword + (begins ? 5 : 3)
    let labelStart = end
    while end < text.endIndex, end - labelStart < PEMBoundary.maximumLabel, PEMBoundary.isLabelByte(text[end]) {
      end += 1
    }
    let raw = text[labelStart..<end]
    let after = DashRun(startingAt: end, in: text)
    let label = PEMBoundary.trimmed(raw)
    let isUpper = text[keyword..<labelStart].allSatisfy { $0 & 0x20 == 0 }
    let isFramed = before.hyphens >= 5 && after.hyphens >= 5
    let isMarked = before.count + after.count > 0 || isUpper && raw.first == 0x20
    guard !label.isEmpty, isFramed || isMarked && PEMBoundary.isKnown(label) else { return nil }
    guard isFramed || isUpper || before.count >= 4 && after.count >= 4 else { return nil }
    // Five hyphens belong to each boundary. The others belong to one that is joined to it.
    // grep -C puts a hyphen behind the number of a line.
    let isNumbered =
      before.hyphens == 6 && before.start > text.startIndex && PEMBoundary.isWordByte(text[before.start - 1])
    let joinsPrevious = before.hyphens == 5 || before.hyphens >= 10 || keyword - 5 <= start || isNumbered
    let joinsNext = after.hyphens == 5 || after.hyphens >= 10
    self.begins = begins
    self.label = label
    hasOtherDashes = before.hasOther || after.hasOther
    isExact =
      isFramed && isUpper && joinsPrevious && joinsNext && before.end == keyword && raw.first == 0x20
      && raw.dropFirst().first != 0x20 && raw.last != 0x20
    range = (isExact ? max(start, keyword - 5) : max(start, before.start))..<(isExact ? end + 5 : after.end)
  }

  private init(misspelled line: Range<Int>, begins: Bool, label: String) {
    self.init(range: line, begins: begins, label: label, isExact: false, hasOtherDashes: false)
  }

  private init(range: Range<Int>, begins: Bool, label: String, isExact: Bool, hasOtherDashes: Bool) {
    self.range = range
    self.begins = begins
    self.label = label
    self.isExact = isExact
    self.hasOtherDashes = hasOtherDashes
  }

  /// A line in which BEGIN or END is misspelled: hyphens, and a label that occurs nowhere else.
  private static func misspelled(_ text: ArraySlice<UInt8>, from start: Int) -> PEMBoundary? {
    let line = text[start...]
    guard let first = line.firstIndex(where: { !Base64.isWhiteSpace($0) }),
      let last = line.lastIndex(where: { !Base64.isWhiteSpace($0) })
    else { return nil }
    let before = DashRun(startingAt: first, in: text)
    let after = DashRun(endingAt: last + 1, in: text)
    guard max(before.count, after.count) >= 3, last - first < 100, before.end < after.start else { return nil }
    let content = text[before.end..<after.start]
    var words = upper(content).split(separator: " ")
    // Other signs stand in place of spaces, as in BEGIN_CERTIFICATE.
    let parts = content.split { !isWordByte($0) }.map { Substring(upper($0)) }
    if let first = parts.first, first == "BEGIN" || first == "END" { words = parts }
    guard words.count >= 2, words.contains("CERTIFICATE") || words.contains("PRIVATE") && words.contains("KEY") else {
      return nil
    }
    return PEMBoundary(
      misspelled: first..<(last + 1), begins: words[0].first != "E", label: words.dropFirst().joined(separator: " "))
  }

  private static func hasWord(_ word: StaticString, _ text: ArraySlice<UInt8>, at index: Int) -> Bool {
    guard index + word.utf8CodeUnitCount <= text.endIndex else { return false }
    for offset in 0..<word.utf8CodeUnitCount where text[index + offset] | 0x20 != word.utf8Start[offset] {
      return false
    }
    return true
  }

  /// Labels that belong to keys and certificates.
  private static func isKnown(_ label: String) -> Bool {
    ["CERT", "KEY", "CRL", "PKCS", "CMS", "PARAMETERS", "PGP"].contains { label.contains($0) }
  }

  private static func trimmed(_ label: ArraySlice<UInt8>) -> String {
    var label = label
    while label.first == 0x20 { label.removeFirst() }
    while label.last == 0x20 { label.removeLast() }
    return upper(label)
  }

  private static func upper(_ bytes: ArraySlice<UInt8>) -> String {
    String(decoding: bytes, as: UTF8.self).uppercased()
  }

  private static func skipSpacesBack(_ text: ArraySlice<UInt8>, _ index: Int) -> Int {
    var index = index
    while index > text.startIndex, text[index - 1] == 0x20 { index -= 1 }
    return index
  }

  private static func isWordByte(_ byte: UInt8) -> Bool {
    let letter = byte | 0x20
    return letter >= UInt8(ascii: "a") && letter <= UInt8(ascii: "z") || byte >= 0x30 && byte <= 0x39
  }

  private static func isLabelByte(_ byte: UInt8) -> Bool {
    isWordByte(byte) || byte == 0x20 || byte == UInt8(ascii: "#") || byte == UInt8(ascii: ".")
      || byte == UInt8(ascii: "/")
  }
}
