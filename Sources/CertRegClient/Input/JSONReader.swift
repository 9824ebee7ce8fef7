import CertRegCodec

/// Reads JSON: a value on each line, an array or objects over many lines, or the elements of an array without its brackets.
struct JSONSourceReader: InputReader {
  private let stream: ByteStream
  private let name: String
  private let walker: JSONWalker
  private var elements: JSONElements
  private let isLines: Bool
  private var line = 0

  /// - Parameter isLines: Whether each line is a value.
  init(_ stream: ByteStream, name: String, isLines: Bool, _ context: InputContext) {
    self.stream = stream
    self.name = name
    self.isLines = isLines
    walker = JSONWalker(context)
    elements = JSONElements(stream)
  }

  var fraction: Double? { stream.fraction }

  var nothing: Thing { .json }

  mutating func next() throws(InputError) -> Sighting? {
    guard isLines else {
      guard let element = try elements.next() else { return nil }
      let place = "\(name)[\(element.number)]"
      guard element.isWhole else {
        let error = InputError(.damagedText, "the JSON value that begins on line \(element.line) breaks off")
        return Sighting(InputEntry(place: place, error))
      }
      return sighting(element.text, place, line: element.line)
    }
    while let text = try stream.nextLine() {
      line += 1
      let trimmed = PEMBlock.trimmed(text[...])
      if trimmed.allSatisfy(JSONExtent.isBetween) { continue }
      return sighting(Array(trimmed.last == UInt8(ascii: ",") ? trimmed.dropLast() : trimmed), "\(name):\(line)")
    }
    return nil
  }

  private func sighting(_ text: [UInt8], _ place: String, line: Int? = nil) -> Sighting {
    do throws(SyntaxFault) {
      return walker.sighting(try JSONSourceReader.value(text), place)
    } catch {
      if Value.secret(text) != nil { return Sighting(InputEntry(place: place, .privateKey)) }
      let start = line.map { " (line \($0))" } ?? ""
      return Sighting(InputEntry(place: place, InputError(.noCertificate, "not JSON: \(error.expectation)\(start)")))
    }
  }

  /// The value of a text that is UTF-8 or Windows-1252, and in which strings can have line ends.
  static func value(_ text: [UInt8]) throws(SyntaxFault) -> JSON {
    do throws(SyntaxFault) {
      return try JSON(parsing: text)
    } catch {
      let mended = escapingControls(Array(TextEncoding.string(text[...]).utf8))
      guard mended != text else { throw error }
      return try JSON(parsing: mended)
    }
  }

  /// The text with escapes for line ends and tabs in strings.
  private static func escapingControls(_ text: [UInt8]) -> [UInt8] {
    var result: [UInt8] = []
    var isInString = false
    var isEscaped = false
    for byte in text {
      if isInString, byte == 0x0A || byte == 0x09 {
        result += byte == 0x0A ? Array("\\n".utf8) : Array("\\t".utf8)
        continue
      }
      if isInString {
        isInString = isEscaped || byte != UInt8(ascii: "\"")
        isEscaped = !isEscaped && byte == UInt8(ascii: "\\")
      } else if byte == UInt8(ascii: "\"") {
        isInString = true
      }
      result.append(byte)
    }
    return result
  }

  /// Whether each line of a text that begins with `head` is a value.
  static func hasValueOnEachLine(_ head: [UInt8], isComplete: Bool) -> Bool {
    var lines = head.split(separator: 0x0A)
    if !isComplete, lines.count > 1 { lines.removeLast() }
    let values = lines.map(PEMBlock.trimmed).filter { !$0.isEmpty }.prefix(3)
    guard let first = values.first, first.first != UInt8(ascii: "[") else { return false }
    return values.contains { line in
      guard line.first == UInt8(ascii: "{") || line.first == UInt8(ascii: "\"") else { return false }
      var extent = JSONExtent()
      guard let end = extent.end(in: line) else { return false }
      return PEMBlock.trimmed(line[end...]).allSatisfy { $0 == UInt8(ascii: ",") }
    }
  }
}
