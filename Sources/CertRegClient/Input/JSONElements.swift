import CertRegCodec

/// Splits a text into JSON values that need not fit into memory together: the elements of arrays, values one after the
/// other, the fragment of an array that breaks off at either end, and the elements of an array in an object that is too
/// long.
struct JSONElements {
  /// The text of one value.
  struct Element {
    /// The position among the values, from 1.
    var number: Int
    /// The line on which it begins, from 1.
    var line: Int
    var text: [UInt8]
    /// Whether the value has its end.
    var isWhole = true
    /// What the value is to the arrays whose elements are read one by one.
    var role = Role.element
    /// How many objects are around it whose arrays are read so.
    var depth: Int
  }

  /// What a value is to the arrays of objects that are too long.
  enum Role {
    case element
    /// The object, with an empty array. The elements follow.
    case beginning
    /// The members behind the array.
    case rest
    /// The members behind the array, of which one is an array that is too long in its turn.
    case restBeginning
  }

  /// An array within an object that is too long.
  private struct List {
    /// What the rest of the object needs in front of it.
    var prefix: [UInt8]
    /// The arrays among the elements whose ends have not come.
    var openArrays = 0
  }

  /// So many arrays in objects that are too long can stand in each other: where one begins, what was read of it is read
  /// again.
  private static let maximumLists = 16

  private let stream: ByteStream
  /// The longest value that is read into memory. So many bytes more than the values have may be read again.
  private let maximumBytes: Int
  private var line = 1
  private var number = 0
  private var budget: Int
  /// The arrays whose elements are read, the innermost last.
  private var lists: [List] = []
  private var role = Role.element
  /// What the next value needs in front of it.
  private var opening: [UInt8] = []

  init(_ stream: ByteStream, maximumBytes: Int = ByteStream.maximumElementBytes) {
    self.stream = stream
    self.maximumBytes = maximumBytes
    budget = maximumBytes
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
        guard let begin = try skip(chunk) else {
          if !opening.isEmpty {
            (text, opening, start) = (opening, [], line)
            _ = scanner.end(in: text[...])
          }
          continue
        }
        index = begin
        start = line
      }
      let end = scanner.end(in: chunk[index...])
      text.append(contentsOf: chunk[index..<(end ?? chunk.endIndex)])
      if let end {
        stream.putBack(last: chunk.endIndex - end)
        return element(text, start, isWhole: !scanner.isBroken)
      }
      if text.count > maximumBytes { return try long(text, start, scanner) }
    }
    if scanner.hasBegun { return broken(text, start, scanner.isBare) }
    guard !lists.isEmpty else { return nil }
    lists = []
    return element([], start, isWhole: false)
  }

  /// Passes over what stands between values. Returns where a value begins; `nil` where none does, or where an array has
  /// ended.
  private mutating func skip(_ chunk: ArraySlice<UInt8>) throws(InputError) -> Int? {
    for index in chunk.indices {
      let byte = chunk[index]
      guard JSONExtent.isBetween(byte) else { return index }
      if byte == 0x0A { line += 1 }
      if byte == UInt8(ascii: "["), !lists.isEmpty { lists[lists.count - 1].openArrays += 1 }
      guard byte == UInt8(ascii: "]"), let list = lists.last else { continue }
      if list.openArrays > 0 {
        lists[lists.count - 1].openArrays -= 1
      } else {
        stream.putBack(last: chunk.endIndex - index - 1)
        try leave(list)
        return nil
      }
    }
    return nil
  }

  /// Makes the members behind an array an object of their own.
  private mutating func leave(_ list: List) throws(InputError) {
    lists.removeLast()
    while let byte = try stream.peek(), Base64.isWhiteSpace(byte) || byte == UInt8(ascii: ",") {
      if byte == 0x0A { line += 1 }
      _ = try stream.next()
    }
    guard try stream.peek() != nil else { return }
    opening = list.prefix
    role = .rest
  }

  private mutating func element(_ text: [UInt8], _ start: Int, isWhole: Bool) -> Element {
    number += 1
    line = start + text.count { $0 == 0x0A }
    budget = min(budget + text.count, maximumBytes)
    defer { role = .element }
    return Element(number: number, line: start, text: text, isWhole: isWhole, role: role, depth: lists.count)
  }

  /// A value that is longer than those that are kept in memory: an object with an array, which is read element by
  /// element, or a value that has lost its end.
  private mutating func long(_ text: [UInt8], _ start: Int, _ scanner: JSONExtent) throws(InputError) -> Element {
    if let list = JSONLongObject(text) {
      let share = (text.count - list.elements) / (2 * JSONElements.maximumLists)
      guard lists.count < JSONElements.maximumLists, share <= budget else { throw JSONElements.tooDeep }
      budget -= share
      role = role == .rest ? .restBeginning : .beginning
      stream.putBack(text[list.elements...])
      var element = element(Array(text[..<list.elements]), start, isWhole: true)
      element.text += list.closing
      lists.append(List(prefix: list.opening))
      return element
    }
    if !scanner.isBare, JSONElements.nextObject(text) != nil { return broken(text, start, false) }
    var error = ByteStream.elementTooLong
    error.advice = JSONElements.advice
    throw error
  }

  private static let advice =
    "if its devices are the members of a member, give them one by one: jq -c '.devices[]' FILE | certregctl import -"

  private static let tooDeep = InputError(
    .unreadable,
    "objects of more than \(ByteStream.maximumElementBytes / 1_048_576) MiB stand more than \(maximumLists) deep in each "
      + "other, and are not read", advice: advice)

  /// A value without an end. If another one begins on a line of its own behind it, reading goes on there.
  private mutating func broken(_ text: [UInt8], _ start: Int, _ isBare: Bool) -> Element {
    if isBare { return element(text, start, isWhole: true) }
    if let next = JSONElements.nextObject(text), text.count - next <= budget {
      budget -= text.count - next
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
