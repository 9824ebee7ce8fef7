/// Reads tag, length and value triplets of definite length from a range of a byte array (X.690 section 8.1), without
/// copying. Lengths may be longer than they need be, as in BER: whether they are is judged elsewhere.
struct DERReader {
  /// One triplet.
  struct Element: Equatable {
    /// The first identifier octet: class, constructed bit and, below 31, the number.
    let tag: UInt8
    /// From the first identifier octet to the end of the value.
    let whole: Range<Int>
    /// The value.
    let content: Range<Int>
    /// Whether identifier and length are the only ones that DER allows for this value.
    let isMinimal: Bool
  }

  /// Why the bytes are not such a triplet.
  enum Fault: Error, Equatable {
    /// The identifier or length octets are cut, or have a form that no standard knows.
    case header
    /// The length is the indefinite one of BER.
    case indefiniteLength
    /// The value is said to be longer than what is left.
    case contentCut
    /// A triplet with another tag stands here, or none.
    case unexpectedTag
    /// Something follows where the enclosing value should end.
    case extraData
  }

  let bytes: [UInt8]
  private(set) var position: Int
  let end: Int

  init(_ bytes: [UInt8]) {
    self.init(bytes, in: 0..<bytes.count)
  }

  init(_ bytes: [UInt8], in range: Range<Int>) {
    self.bytes = bytes
    position = range.lowerBound
    end = range.upperBound
  }

  var isAtEnd: Bool { position >= end }

  /// The first identifier octet of the next triplet; `nil` at the end.
  var nextTag: UInt8? { position < end ? bytes[position] : nil }

  /// Reads the next triplet, whatever it is.
  mutating func next() throws(Fault) -> Element {
    let start = position
    var isMinimal = true
    let tag = try byte()
    if tag & 0x1f == 0x1f { isMinimal = try skipLongTagNumber() }
    let length = try self.length(isMinimal: &isMinimal)
    guard length <= end - position else { throw .contentCut }
    let content = position..<position + length
    position += length
    return Element(tag: tag, whole: start..<position, content: content, isMinimal: isMinimal)
  }

  /// Reads the next triplet, which has to have `tag`.
  mutating func next(_ tag: UInt8) throws(Fault) -> Element {
    guard nextTag == tag else { throw .unexpectedTag }
    return try next()
  }

  /// Reads the next triplet where it has `tag`.
  mutating func nextIfPresent(_ tag: UInt8) throws(Fault) -> Element? {
    nextTag == tag ? try next() : nil
  }

  /// A reader of what is inside `element`.
  func inside(_ element: Element) -> DERReader {
    DERReader(bytes, in: element.content)
  }

  func expectEnd() throws(Fault) {
    guard isAtEnd else { throw .extraData }
  }

  private mutating func byte() throws(Fault) -> UInt8 {
    guard position < end else { throw .header }
    defer { position += 1 }
    return bytes[position]
  }

  /// Skips the octets of a tag number of 31 or more (X.690 section 8.1.2.4) and says whether they are as few as can be.
  private mutating func skipLongTagNumber() throws(Fault) -> Bool {
    var number = 0
    var count = 0
    while true {
      let octet = try byte()
      count += 1
      guard count <= 4 else { throw .header }
      if count == 1 && octet == 0x80 { throw .header }
      number = number << 7 | Int(octet & 0x7f)
      if octet & 0x80 == 0 { return number >= 31 }
    }
  }

  private mutating func length(isMinimal: inout Bool) throws(Fault) -> Int {
    let first = try byte()
    if first < 0x80 { return Int(first) }
    if first == 0x80 { throw .indefiniteLength }
    guard first != 0xff else { throw .header }
    var length = 0
    for index in 0..<Int(first & 0x7f) {
      let octet = try byte()
      if index == 0 && octet == 0 { isMinimal = false }
      guard length < 1 << 24 else { throw .header }
      length = length << 8 | Int(octet)
    }
    if length < 0x80 { isMinimal = false }
    return length
  }
}

/// Identifier octets of the universal types that certificates use (X.680 section 8.4).
enum DERTag {
  static let boolean: UInt8 = 0x01
  static let integer: UInt8 = 0x02
  static let bitString: UInt8 = 0x03
  static let octetString: UInt8 = 0x04
  static let null: UInt8 = 0x05
  static let objectIdentifier: UInt8 = 0x06
  static let utf8String: UInt8 = 0x0c
  static let numericString: UInt8 = 0x12
  static let printableString: UInt8 = 0x13
  static let teletexString: UInt8 = 0x14
  static let ia5String: UInt8 = 0x16
  static let utcTime: UInt8 = 0x17
  static let generalizedTime: UInt8 = 0x18
  static let visibleString: UInt8 = 0x1a
  static let universalString: UInt8 = 0x1c
  static let bmpString: UInt8 = 0x1e
  static let sequence: UInt8 = 0x30
  static let set: UInt8 = 0x31

  /// `[number]`, primitive.
  static func context(_ number: UInt8) -> UInt8 { 0x80 | number }
  /// `[number]`, constructed.
  static func constructedContext(_ number: UInt8) -> UInt8 { 0xa0 | number }
}
