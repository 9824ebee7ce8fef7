/// An object with an array that is too long to be kept in memory.
struct JSONLongObject {
  /// Where the elements of the array begin.
  let elements: Int
  /// What makes the text before the elements a whole value.
  let closing: [UInt8]
  /// What makes the text behind the array a whole value.
  let opening: [UInt8]

  /// An object that is not closed within a text.
  private struct Open {
    var isArray: Bool
    /// Where its content begins.
    var content: Int
    /// The text of the name of its last member.
    var name: Range<Int>
  }

  /// No object has so long names of members around an array. What is put in front of a value is read again with it.
  private static let longestOpening = 4096

  /// Looks for the outermost array that does not end within the beginning of an object; `nil` where there is none.
  init?(_ text: [UInt8]) {
    var open: [Open] = []
    var string = 0..<0
    var index = 0
    while index < text.count {
      switch text[index] {
      case UInt8(ascii: "\""):
        string = index..<JSONLongObject.end(ofString: text, from: index)
        index = string.upperBound
        continue
      case UInt8(ascii: ":"): if let last = open.indices.last { open[last].name = string }
      case UInt8(ascii: "{"), UInt8(ascii: "["):
        open.append(Open(isArray: text[index] == UInt8(ascii: "["), content: index + 1, name: 0..<0))
      case UInt8(ascii: "}"), UInt8(ascii: "]"): _ = open.popLast()
      default: break
      }
      index += 1
    }
    guard let depth = open.firstIndex(where: \.isArray), depth > 0 else { return nil }
    elements = open[depth].content
    closing = [UInt8(ascii: "]")] + [UInt8](repeating: UInt8(ascii: "}"), count: depth)
    opening =
      open[..<(depth - 1)].flatMap { [UInt8(ascii: "{")] + text[$0.name] + [UInt8(ascii: ":")] } + [UInt8(ascii: "{")]
    guard opening.count <= JSONLongObject.longestOpening else { return nil }
  }

  /// The index behind a string.
  private static func end(ofString text: [UInt8], from start: Int) -> Int {
    var index = start + 1
    while index < text.count, text[index] != UInt8(ascii: "\"") {
      index += text[index] == UInt8(ascii: "\\") ? 2 : 1
    }
    return min(index + 1, text.count)
  }
}
