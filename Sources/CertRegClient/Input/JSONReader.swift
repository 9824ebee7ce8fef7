import CertRegCodec

/// Reads JSON: a value on each line, an array or objects over many lines, or the elements of an array without its
/// brackets.
struct JSONSourceReader: InputReader {
  private let stream: ByteStream
  private let name: String
  private let context: InputContext
  private let walker: JSONWalker
  private var elements: JSONElements
  private let isLines: Bool
  private var line = 0
  /// The members around the elements that are read, for each object that is read in parts.
  private var parents = [JSONFields([])]

  /// - Parameter isLines: Whether each line is a value.
  init(_ stream: ByteStream, name: String, isLines: Bool, _ context: InputContext) {
    self.stream = stream
    self.name = name
    self.isLines = isLines
    self.context = context
    walker = JSONWalker(context)
    elements = JSONElements(stream)
  }

  var fraction: Double? { stream.fraction }

  var nothing: OtherContent { .json }

  mutating func next() throws(InputError) -> Sighting? {
    guard isLines else {
      while let element = try elements.next() {
        if let sighting = sighting(element) { return sighting }
      }
      return nil
    }
    while let text = try stream.nextLine() {
      line += 1
      let trimmed = PEMBlock.trimmed(text[...])
      if trimmed.allSatisfy(JSONExtent.isBetween) { continue }
      return sighting(Array(trimmed.last == UInt8(ascii: ",") ? trimmed.dropLast() : trimmed), "\(name):\(line)")
    }
    return nil
  }

  /// The entries of an element; `nil` for a part of an object in which there is nothing.
  private mutating func sighting(_ element: JSONElements.Element) -> Sighting? {
    let place = "\(name)[\(element.number)]"
    guard element.isWhole else {
      let error = InputError(.damagedText, "the JSON value that begins on line \(element.line) breaks off")
      return Sighting(InputEntry(place: place, error))
    }
    let begins = element.role == .beginning || element.role == .restBeginning
    let depth = begins ? element.depth : min(element.depth, parents.count - 1)
    let isRest = element.role == .rest || element.role == .restBeginning
    parents.removeLast(max(0, parents.count - 1 - depth - (isRest ? 1 : 0)))
    // The members in front of the array belong to the same object.
    let around = isRest && parents.count - 1 > depth ? parents.removeLast() : parents[parents.count - 1]
    guard element.role != .element, let value = try? JSONSourceReader.value(element.text) else {
      return sighting(element.text, place, line: element.line)
    }
    let entries = walker.entries(value, place, parents: around)
    if begins { parents.append(around.around(last: value)) }
    return entries.first.map {
      Sighting($0, Array(entries.dropFirst())).marked(guessedFrom: [element.text[...]])
    }
  }

  private func sighting(_ text: [UInt8], _ place: String, line: Int? = nil) -> Sighting {
    found(text, place, line: line).marked(guessedFrom: [text[...]])
  }

  private func found(_ text: [UInt8], _ place: String, line: Int?) -> Sighting {
    do throws(SyntaxFault) {
      if let compact = SignedEntry.object(ofCompact: text) {
        return walker.sighting(compact, place, parents: parents[parents.count - 1])
      }
      return walker.sighting(try JSONSourceReader.value(text), place, parents: parents[parents.count - 1])
    } catch {
      // Programs print objects of their own that look like JSON.
      let entries = context.entries(Value.pieces(text), place: { _ in place })
      if let first = entries.first { return Sighting(first, Array(entries.dropFirst())) }
      if Value.secret(text) != nil { return Sighting(InputEntry(place: place, .privateKey)) }
      let start = line.map { " (line \($0))" } ?? ""
      return Sighting(InputEntry(place: place, InputError(.noCertificate, "not JSON: \(error.expectation)\(start)")))
    }
  }

  /// The value of a text that is UTF-8 or Windows-1252, and in which strings can have line ends, or of one that Python
  /// prints.
  static func value(_ text: [UInt8]) throws(SyntaxFault) -> JSON {
    do throws(SyntaxFault) {
      return try JSON(parsing: text)
    } catch {
      let utf8 = Array(TextEncoding.readable(text[...]).utf8)
      let mended = escapingControls(utf8)
      if mended != text, let value = try? JSON(parsing: mended) { return value }
      guard text.holds(UInt8(ascii: "'")), let value = try? JSON(parsing: PythonText.json(utf8)) else { throw error }
      return value
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
    if isValue(first, mayBeElement: true) { return true }
    // A first line that was cut off, or the beginning of a value over many lines.
    guard let last = first.last, !"{[,:".utf8.contains(last) else { return false }
    return values.dropFirst().first.map { isValue($0, mayBeElement: false) } ?? false
  }

  /// Whether a line is an object or a string.
  ///
  /// - Parameter mayBeElement: Whether commas may follow.
  private static func isValue(_ line: ArraySlice<UInt8>, mayBeElement: Bool) -> Bool {
    if line.first == UInt8(ascii: "e") { return SignedEntry.object(ofCompact: Array(line)) != nil }
    guard line.first == UInt8(ascii: "{") || line.first == UInt8(ascii: "\"") else { return false }
    var extent = JSONExtent()
    guard let end = extent.end(in: line), !extent.isBroken else { return false }
    return PEMBlock.trimmed(line[end...]).allSatisfy { mayBeElement && $0 == UInt8(ascii: ",") }
  }
}
