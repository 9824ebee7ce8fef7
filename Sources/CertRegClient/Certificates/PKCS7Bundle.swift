/// The certificates of a PKCS#7 file (RFC 2315 section 9.1, RFC 5652 section 5.1): a SignedData, usually without a signature.
///
/// Only lengths are interpreted; the daemon judges the certificates. Lengths can be indefinite (ITU-T X.690 section 8.1.3.6), as
/// some programs write them.
struct PKCS7Bundle: Sequence, IteratorProtocol {
  /// The content of an OBJECT IDENTIFIER: 1.2.840.113549.1.7.2.
  private static let signedData: [UInt8] = [0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01, 0x07, 0x02]

  private var rest: BERElements

  /// - Returns: `nil` where `bytes` are not a SignedData, or are truncated.
  init?(_ bytes: [UInt8]) {
    var outer = BERElements(bytes[...])
    guard let contentInfo = outer.next(), contentInfo.tag == 0x30 else { return nil }
    var members = BERElements(contentInfo.content)
    guard let type = members.next(), type.tag == 0x06, type.content.elementsEqual(PKCS7Bundle.signedData),
      let explicit = members.next(), explicit.tag == 0xA0
    else { return nil }
    var wrapped = BERElements(explicit.content)
    guard let content = wrapped.next(), content.tag == 0x30 else { return nil }
    var fields = BERElements(content.content)
    guard fields.next()?.tag == 0x02, fields.next()?.tag == 0x31, fields.next()?.tag == 0x30 else { return nil }
    let certificates = fields.next()
    rest = BERElements(certificates?.tag == 0xA0 ? certificates?.content ?? [] : [])
  }

  /// The encoding of the next certificate; `nil` at the end and before damaged bytes.
  mutating func next() -> ArraySlice<UInt8>? {
    while let element = rest.next() {
      // The other choices of CertificateSet have tags of their own.
      if element.tag == 0x30 { return element.encoding }
    }
    return nil
  }
}

/// The elements of a BER encoding one after the other (ITU-T X.690 section 8.1). Tags of one octet are all that is needed.
private struct BERElements {
  struct Element {
    var tag: UInt8
    var encoding: ArraySlice<UInt8>
    var content: ArraySlice<UInt8>
  }

  /// The deepest nesting of indefinite lengths that is read.
  private static let maximumDepth = 16

  private var bytes: ArraySlice<UInt8>

  init(_ bytes: ArraySlice<UInt8>) {
    self.bytes = bytes
  }

  /// The next element; `nil` at the end and where it is damaged.
  mutating func next() -> Element? {
    next(depth: 0)
  }

  private mutating func next(depth: Int) -> Element? {
    let start = bytes
    guard depth < BERElements.maximumDepth, let tag = bytes.popFirst(), tag & 0x1F != 0x1F, let first = bytes.popFirst()
    else { return nil }
    let content: ArraySlice<UInt8>
    if first == 0x80 {
      content = bytes
      while !bytes.starts(with: [0, 0]) {
        guard next(depth: depth + 1) != nil else { return nil }
      }
      let end = bytes.startIndex
      bytes.removeFirst(2)
      return Element(tag: tag, encoding: start[..<bytes.startIndex], content: content[..<end])
    }
    guard let length = length(first), length <= bytes.count else { return nil }
    content = bytes.prefix(length)
    bytes.removeFirst(length)
    return Element(tag: tag, encoding: start[..<bytes.startIndex], content: content)
  }

  private mutating func length(_ first: UInt8) -> Int? {
    guard first > 0x80 else { return Int(first) }
    let octets = bytes.prefix(Int(first & 0x7F))
    guard octets.count == Int(first & 0x7F), octets.count <= 4 else { return nil }
    bytes.removeFirst(octets.count)
    return octets.reduce(0) { $0 << 8 | Int($1) }
  }
}
