import CertRegCodec

/// Splits a text into JSON values that need not fit into memory together: the elements of arrays, values one after the other, and
/// the fragment of an array that breaks off at either end.
struct JSONElements {
  /// The text of one value.
  struct Element {
    /// The position among the values, from 1.
    var number: Int
    /// The line on which it begins, from 1.
    var line: Int
    var text: [UInt8]
    /// Whether the value has its end.
    var isWhole: Bool
  }

  /// So often the text behind a value without an end is read again.
  private static let maximumRepeats = 16

  private let stream: ByteStream
  private var line = 1
  private var number = 0
  private var repeats = 0

  init(_ stream: ByteStream) {
    self.stream = stream
  }

  var fraction: Double? { stream.fraction }

  /// The next value; `nil` at the end.
  ///
  /// - Throws: `InputError` for a value that is too long.
  mutating func next() throws(InputError) -> Element? {
    var scanner = JSONExtent()
    var text: [UInt8] = []
    var start = line
    while let chunk = try stream.nextChunk() {
      var index = chunk.startIndex
      if !scanner.hasBegun {
        while index < chunk.endIndex, JSONExtent.isBetween(chunk[index]) {
          if chunk[index] == 0x0A { line += 1 }
          index += 1
        }
        guard index < chunk.endIndex else { continue }
        start = line
      }
      let end = scanner.end(in: chunk[index...])
      text.append(contentsOf: chunk[index..<(end ?? chunk.endIndex)])
      guard let end else {
        guard text.count <= ByteStream.maximumElementBytes else { throw ByteStream.elementTooLong }
        continue
      }
      stream.putBack(chunk[end...])
      return element(text, start, isWhole: true)
    }
    return scanner.hasBegun ? broken(text, start, scanner.isBare) : nil
  }

  private mutating func element(_ text: [UInt8], _ start: Int, isWhole: Bool) -> Element {
    number += 1
    line = start + text.count { $0 == 0x0A }
    return Element(number: number, line: start, text: text, isWhole: isWhole)
  }

  /// A value without an end. If another one begins on a line of its own behind it, reading goes on there.
  private mutating func broken(_ text: [UInt8], _ start: Int, _ isBare: Bool) -> Element {
    if isBare { return element(text, start, isWhole: true) }
    if repeats < JSONElements.maximumRepeats, let next = JSONElements.nextObject(text) {
      repeats += 1
      stream.putBack(text[next...])
      return element(Array(text[..<next]), start, isWhole: false)
    }
    return element(text, start, isWhole: false)
  }

  /// Where an object begins on a line that is indented no further than the end of the one before it.
  private static func nextObject(_ text: [UInt8]) -> Int? {
    var index = 0
    while let end = text[index...].firstIndex(of: 0x0A) {
      let first = text[(end + 1)...].firstIndex { $0 != 0x20 && $0 != 0x09 } ?? text.endIndex
      if first < text.endIndex, text[first] == UInt8(ascii: "{"), first - end <= 5 { return first }
      index = end + 1
    }
    return nil
  }
}

/// Finds the end of a JSON value. Line ends inside of strings are let pass: people paste PEM into JSON.
struct JSONExtent {
  private var depth = 0
  private var isInString = false
  private var isEscaped = false
  private(set) var hasBegun = false
  /// Whether the value is a number, a word or nonsense: it ends before the next comma, bracket or space.
  private(set) var isBare = false

  /// Whether a byte can stand between values: white space, commas and the brackets of arrays.
  static func isBetween(_ byte: UInt8) -> Bool {
    Base64.isWhiteSpace(byte) || byte == UInt8(ascii: ",") || byte == UInt8(ascii: "[") || byte == UInt8(ascii: "]")
      || byte == 0x1A || byte == 0
  }

  /// The index after the value; `nil` where the piece does not hold its end.
  mutating func end(in piece: ArraySlice<UInt8>) -> Int? {
    for index in piece.indices {
      let byte = piece[index]
      if !hasBegun {
        hasBegun = true
        isBare = byte != UInt8(ascii: "{") && byte != UInt8(ascii: "\"")
      }
      if isBare {
        if JSONExtent.isBetween(byte) { return index }
      } else if isInString {
        isInString = isEscaped || byte != UInt8(ascii: "\"")
        isEscaped = !isEscaped && byte == UInt8(ascii: "\\")
        if !isInString, depth == 0 { return index + 1 }
      } else if byte == UInt8(ascii: "\"") {
        isInString = true
      } else if byte == UInt8(ascii: "{") || byte == UInt8(ascii: "[") {
        depth += 1
      } else if byte == UInt8(ascii: "}") || byte == UInt8(ascii: "]") {
        depth -= 1
        if depth <= 0 { return index + 1 }
      }
    }
    return nil
  }
}
