/// The elements of a BER or DER encoding one after the other (ITU-T X.690 section 8.1), without a copy. Tags of one
/// octet are all that is needed. Lengths can be indefinite, as some programs write PKCS#7.
struct DERElements: Sequence, IteratorProtocol {
  /// One element.
  struct Element {
    /// The identifier octet.
    var tag: UInt8
    /// Identifier, length and content.
    var encoding: ArraySlice<UInt8>
    /// The content.
    var content: ArraySlice<UInt8>
  }

  /// The deepest nesting of indefinite lengths that is read.
  private static let maximumDepth = 16

  /// What has not been read.
  private(set) var rest: ArraySlice<UInt8>

  init(_ bytes: ArraySlice<UInt8>) {
    rest = bytes
  }

  /// The next element; `nil` at the end and where it is damaged.
  mutating func next() -> Element? {
    next(depth: 0)
  }

  private mutating func next(depth: Int) -> Element? {
    let start = rest
    guard depth < DERElements.maximumDepth, let tag = rest.popFirst(), tag & 0x1F != 0x1F, let first = rest.popFirst()
    else { return nil }
    if first == 0x80 {
      let content = rest
      while !rest.starts(with: [0, 0]) {
        guard next(depth: depth + 1) != nil else { return nil }
      }
      let end = rest.startIndex
      rest.removeFirst(2)
      return Element(tag: tag, encoding: start[..<rest.startIndex], content: content[..<end])
    }
    guard let length = length(first), length <= rest.count else { return nil }
    let content = rest.prefix(length)
    rest.removeFirst(length)
    return Element(tag: tag, encoding: start[..<rest.startIndex], content: content)
  }

  private mutating func length(_ first: UInt8) -> Int? {
    guard first > 0x80 else { return Int(first) }
    let octets = rest.prefix(Int(first & 0x7F))
    guard octets.count == Int(first & 0x7F), octets.count <= 4 else { return nil }
    rest.removeFirst(octets.count)
    return octets.reduce(0) { $0 << 8 | Int($1) }
  }

  /// The length of the whole encoding that begins with `bytes`, by its header; `nil` where that is damaged or not
  /// definite.
  static func declaredLength(_ bytes: ArraySlice<UInt8>) -> Int? {
    var elements = DERElements(bytes.prefix(6))
    guard elements.rest.popFirst() != nil, let first = elements.rest.popFirst(), first != 0x80,
      let length = elements.length(first)
    else { return nil }
    return bytes.prefix(6).count - elements.rest.count + length
  }
}
