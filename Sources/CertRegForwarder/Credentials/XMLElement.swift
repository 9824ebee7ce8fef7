/// Reads single elements of the flat XML in replies of the Security Token Service.
enum XMLElement {
  /// The text of the first element `name`; `nil` if there is none, or if it holds other elements.
  static func text(_ name: String, in document: String) -> String? {
    guard let start = document.firstRange(of: "<\(name)>") else { return nil }
    let rest = document[start.upperBound...]
    guard let end = rest.firstRange(of: "</\(name)>") else { return nil }
    let content = rest[..<end.lowerBound]
    return content.contains("<") ? nil : decoded(content)
  }

  private static func decoded(_ text: Substring) -> String {
    guard text.contains("&") else { return String(text) }
    var result = ""
    var rest = text
    while let ampersand = rest.firstIndex(of: "&") {
      result += rest[..<ampersand]
      rest = rest[rest.index(after: ampersand)...]
      let name = rest.prefix { $0 != ";" && $0 != "&" }
      guard name.endIndex < rest.endIndex, rest[name.endIndex] == ";", let character = character(name) else {
        result += "&"
        continue
      }
      result.unicodeScalars.append(character)
      rest = rest[rest.index(after: name.endIndex)...]
    }
    return result + rest
  }

  private static func character(_ name: Substring) -> Unicode.Scalar? {
    switch name {
    case "amp": return "&"
    case "lt": return "<"
    case "gt": return ">"
    case "quot": return "\""
    case "apos": return "'"
    default:
      guard name.first == "#" else { return nil }
      let digits = name.dropFirst()
      let code = digits.first == "x" ? UInt32(digits.dropFirst(), radix: 16) : UInt32(digits)
      return code.flatMap(Unicode.Scalar.init)
    }
  }
}
