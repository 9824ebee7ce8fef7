import CertRegCore

/// The markup of HTML, XML, URLs and spreadsheets around the lines of a block. A tag can go on on the next line.
struct Markup {
  /// Whether the last line ended within a tag.
  private var isInTag = false

  /// The line with a blank in place of each tag, and with characters in place of what stands for them; `nil` where
  /// there is nothing of the kind.
  mutating func resolving(_ line: ArraySlice<UInt8>) -> [UInt8]? {
    var text = line
    if isInTag, let end = Markup.endOfAttributes(text), end < text.endIndex { text = text[(end + 1)...] }
    let (resolved, endsInTag) = Markup.resolving(text, tags: true)
    isInTag = endsInTag
    return resolved ?? (text.count < line.count ? Array(text) : nil)
  }

  /// The text with characters in place of what stands for them: `&#10;`, `&nbsp;`, `<br>`, `%0A`, `_x000A_`; `nil` where
  /// there is nothing of the kind. Tags stay.
  static func resolvingCharacters(of text: ArraySlice<UInt8>) -> [UInt8]? { resolving(text, tags: false).text }

  private static let less = UInt8(ascii: "<")
  private static let greater = UInt8(ascii: ">")
  private static let carriageReturn: [UInt8] = [0x0D]

  private static func resolving(_ text: ArraySlice<UInt8>, tags: Bool) -> (text: [UInt8]?, endsInTag: Bool) {
    guard
      text.contains(where: { $0 == UInt8(ascii: "&") || $0 == less || $0 == UInt8(ascii: "%") })
        || text.contains(UInt8(ascii: "_")) && Array(text).containsText("_x000")
    else { return (nil, false) }
    var result: [UInt8] = []
    result.reserveCapacity(text.count)
    var isChanged = false
    var index = text.startIndex
    while index < text.endIndex {
      if let (characters, length) = markup(text[index...]) {
        isChanged = true
        index += length
        if characters != carriageReturn { result += characters }
      } else if tags, let end = endOfTag(text[index...]) {
        result.append(0x20)
        isChanged = true
        if end == text.endIndex { return (result, true) }
        index = end + 1
      } else {
        result.append(text[index])
        index += 1
      }
    }
    return (isChanged ? result : nil, false)
  }

  /// Where the tag that `text` begins with has its `>`; the end of the text where it goes on on the next line.
  private static func endOfTag(_ text: ArraySlice<UInt8>) -> Int? {
    guard text.first == less else { return nil }
    let content = text.dropFirst(text.dropFirst().first == UInt8(ascii: "/") ? 2 : 1)
    let name = content.prefix(longestName + 1).prefix { isName($0) }
    guard let first = name.first, first | 0x20 >= UInt8(ascii: "a"), name.count <= longestName else { return nil }
    let rest = text[name.endIndex...]
    guard rest.first.map({ $0 <= 0x20 || $0 == greater || $0 == UInt8(ascii: "/") }) ?? true else { return nil }
    return endOfAttributes(rest)
  }

  /// Where the `>` of a tag is; the end of the text where it goes on on the next line; `nil` where another tag begins
  /// before it, or a block stands in an attribute.
  private static func endOfAttributes(_ text: ArraySlice<UInt8>) -> Int? {
    let attributes = text.prefix { $0 != greater && $0 != less }
    let end = attributes.endIndex
    guard end == text.endIndex || text[end] == greater else { return nil }
    return Array(attributes).containsText("---") ? nil : end
  }

  /// Names of elements are shorter, and lines of base64 are longer.
  private static let longestName = 32

  private static func isName(_ byte: UInt8) -> Bool {
    let letter = byte | 0x20
    return letter >= UInt8(ascii: "a") && letter <= UInt8(ascii: "z") || byte.isDecimalDigit
      || byte == UInt8(ascii: ":") || byte == UInt8(ascii: "-") || byte == UInt8(ascii: ".")
  }

  /// The characters that stand at the beginning of `text` in another form, and the length of that form.
  private static func markup(_ text: ArraySlice<UInt8>) -> ([UInt8], Int)? {
    switch text.first {
    case UInt8(ascii: "%"):
      return EscapedText.number(text, text.startIndex + 1, digits: 2, radix: 16).map { ([$0], 3) }
    case UInt8(ascii: "_"):
      // ECMA-376 part 1 section 22.9.2.19.
      let escape = text.prefix(7)
      guard escape.count == 7, escape.last == UInt8(ascii: "_"), escape.dropFirst().starts(with: "x000".utf8) else {
        return nil
      }
      return EscapedText.number(text, text.startIndex + 4, digits: 2, radix: 16).map { ([$0], 7) }
    case less:
      let tag = text.prefix(6)
      guard tag.map({ $0 | 0x20 }).starts(with: "<br".utf8.map { $0 | 0x20 }), let end = tag.firstIndex(of: greater)
      else { return nil }
      return ([0x0A], end - text.startIndex + 1)
    case UInt8(ascii: "&"): return entity(text)
    default: return nil
    }
  }

  /// The entities that stand for spaces, line ends and characters of base64.
  private static let entities: [String: [UInt8]] = [
    "nbsp": [0x20], "ensp": [0x20], "emsp": [0x20], "thinsp": [0x20], "Tab": [0x20], "NewLine": [0x0A], "shy": [],
    "zwnj": [], "zwj": [], "ZeroWidthSpace": [], "plus": Array("+".utf8), "sol": Array("/".utf8),
    "equals": Array("=".utf8),
  ]
  private static let longestEntity = 16

  private static func entity(_ text: ArraySlice<UInt8>) -> ([UInt8], Int)? {
    guard let end = text.prefix(longestEntity).firstIndex(of: UInt8(ascii: ";")) else { return nil }
    let name = text[(text.startIndex + 1)..<end]
    let length = end - text.startIndex + 1
    guard name.first == UInt8(ascii: "#") else {
      return entities[String(decoding: name, as: UTF8.self)].map { ($0, length) }
    }
    let isHexadecimal = name.dropFirst().first.map { $0 | 0x20 } == UInt8(ascii: "x")
    let digits = String(decoding: name.dropFirst(isHexadecimal ? 2 : 1), as: UTF8.self)
    guard let code = UInt32(digits, radix: isHexadecimal ? 16 : 10), let scalar = Unicode.Scalar(code), code >= 0x09
    else { return nil }
    if code < 0x80 { return ([UInt8(code)], length) }
    return InvisibleText.removed(from: Array(String(scalar).utf8)[...]).map { ($0, length) }
  }
}
