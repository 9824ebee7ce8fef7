import CertRegCodec

/// Lines of a log that are JSON objects, each with a line of text, as Docker and journald write them. A block stands on
/// many of them.
enum JSONLog {
  /// The members that have the text.
  private static let members = ["log", "MESSAGE", "message", "msg"]

  /// Whether a text that begins with `head` has a block whose lines are those of such a log.
  static func recognises(_ head: [UInt8]) -> Bool {
    guard head.containsText("-BEGIN ") else { return false }
    return head.split(separator: 0x0A).contains { line in
      guard Array(line).containsText("-BEGIN "), let text = text(of: line) else { return false }
      return Array(text).containsText("-BEGIN ") && !Array(text).containsText("-END ") && text.count < longestLine
    }
  }

  /// The text of a line; `nil` for a line of another kind.
  static func text(of line: ArraySlice<UInt8>) -> [UInt8]? {
    let line = PEMBlock.trimmed(line)
    guard line.first == UInt8(ascii: "{"), let value = try? JSON(parsing: Array(line)),
      var text = members.lazy.compactMap({ value[$0]?.string }).first.map({ Array($0.utf8) })
    else { return nil }
    while let last = text.last, last == 0x0A || last == 0x0D { text.removeLast() }
    return text
  }

  /// The texts of the events of a log, as `aws logs get-log-events` and `filter-log-events` answer them, where a block
  /// stands in several events: one text for each stream. `nil` for any other array, such as one whose elements have more
  /// than a text to read.
  static func texts(of values: [JSON]) -> [String]? {
    guard values.count > 1 else { return nil }
    var streams: [String] = []
    var lines: [String: [String]] = [:]
    var hasOpenBlock = false
    for value in values {
      guard value.members != nil, let line = members.lazy.compactMap({ value[$0]?.string }).first else { return nil }
      let bytes = Array(line.utf8)
      if bytes.containsText("-BEGIN "), !bytes.containsText("-END ") { hasOpenBlock = true }
      let stream = value["logStreamName"]?.string ?? ""
      if lines[stream] == nil { streams.append(stream) }
      lines[stream, default: []].append(line)
    }
    guard hasOpenBlock, values.allSatisfy(hasOnlyText) else { return nil }
    return streams.map { (lines[$0] ?? []).joined(separator: "\n") }
  }

  /// Whether nothing but its text, names and numbers are in an event.
  private static func hasOnlyText(_ event: JSON) -> Bool {
    (event.members ?? []).allSatisfy { member in
      if members.contains(member.name) { return member.value.string != nil }
      if let text = member.value.string { return Value.pieces(text.utf8).isEmpty }
      return member.value.members == nil && member.value.array == nil
    }
  }

  /// A line with a BEGIN boundary alone is shorter than one with a block that has lost its END.
  private static let longestLine = 200
}
