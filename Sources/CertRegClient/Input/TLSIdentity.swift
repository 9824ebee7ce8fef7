import CertRegCore

/// The identity of an Infineon OPTIGA chip: certificates as TLS sends them (RFC 5246 section 7.4.2), behind the tag C0 and
/// their length.
enum TLSIdentity {
  /// The tag, the length of two bytes, and those of the list and of its first certificate of three bytes each.
  static let headerBytes = 9

  /// Whether an identity begins.
  static func begins(_ bytes: ArraySlice<UInt8>) -> Bool {
    let header = Array(bytes.prefix(headerBytes))
    guard header.count == headerBytes, header[0] == 0xC0 else { return false }
    let whole = Int(header[1]) << 8 | Int(header[2])
    return number(header[3..<6]) + 3 == whole && number(header[6...]) + 3 <= number(header[3..<6])
      && bytes.dropFirst(headerBytes).starts(with: [0x30, 0x82])
  }

  /// The encodings one after the other, each as long as its own header says, and what follows them; `nil` for anything
  /// else.
  static func certificates(_ bytes: [UInt8]) -> [UInt8]? {
    guard begins(bytes[...]) else { return nil }
    var encodings: [UInt8] = []
    var rest = bytes.dropFirst(headerBytes)
    while rest.first == 0x30, let length = DERElements.declaredLength(rest), length <= rest.count {
      encodings += rest.prefix(length)
      rest = rest.dropFirst(length)
      // The length of the next certificate.
      if rest.dropFirst(3).first == 0x30 { rest = rest.dropFirst(3) }
    }
    return encodings + rest
  }

  /// The hexadecimal digits of the first certificate and of what follows; `nil` where no identity begins.
  static func withoutHeader(_ digits: ArraySlice<UInt8>) -> ArraySlice<UInt8>? {
    guard digits.first.map({ $0 | 0x20 }) == UInt8(ascii: "c") else { return nil }
    let values = digits.prefix(2 * (headerBytes + 2)).map { $0.hexDigitValue }
    let bytes = stride(from: 0, to: values.count - 1, by: 2).compactMap { index in
      values[index].flatMap { high in values[index + 1].map { high << 4 | $0 } }
    }
    return begins(bytes[...]) ? digits.dropFirst(2 * headerBytes) : nil
  }

  private static func number(_ bytes: ArraySlice<UInt8>) -> Int { bytes.reduce(0) { $0 << 8 | Int($1) } }
}
