/// Base64 (RFC 4648 section 4) as it stands in PEM text.
enum Base64 {
  static let invalid: UInt8 = 0xff
  static let padding: UInt8 = 0xfe

  /// Value of each byte: 0 to 63, `padding` for the equals sign, else `invalid`.
  static let values: [UInt8] = {
    var values = [UInt8](repeating: invalid, count: 256)
    let alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
    for (value, character) in alphabet.utf8.enumerated() { values[Int(character)] = UInt8(value) }
    values[Int(UInt8(ascii: "="))] = padding
    return values
  }()

  /// What is wrong with a text.
  enum Fault: Error {
    /// A character outside the alphabet.
    case character(UInt8)
    /// Characters after the padding, or another number of them than groups of four have.
    case lengthOrPadding
  }

  /// Decodes `text`, skipping white space.
  static func decode(_ text: Slice<UnsafeRawBufferPointer>) throws(Fault) -> [UInt8] {
    var fault: Fault?
    let decoded = [UInt8](unsafeUninitializedCapacity: text.count / 4 * 3 + 3) { buffer, initialized in
      var decoder = Decoder()
      for byte in text where !isWhiteSpace(byte) {
        switch decoder.feed(byte) {
        case .none: break
        case .bytes(let group, let count):
          buffer[initialized] = UInt8(truncatingIfNeeded: group >> 16)
          if count > 1 { buffer[initialized + 1] = UInt8(truncatingIfNeeded: group >> 8) }
          if count > 2 { buffer[initialized + 2] = UInt8(truncatingIfNeeded: group) }
          initialized += count
        case .fault(let found):
          fault = found
          return
        }
      }
      if !decoder.isComplete { fault = .lengthOrPadding }
    }
    if let fault { throw fault }
    return decoded
  }

  static func isWhiteSpace(_ byte: UInt8) -> Bool {
    byte == 0x20 || byte >= 0x09 && byte <= 0x0d
  }

  /// Takes characters one by one and gives up to three bytes for each group of four.
  struct Decoder {
    enum Step {
      case none
      case bytes(UInt32, Int)
      case fault(Fault)
    }

    private var group: UInt32 = 0
    private var count = 0
    private var paddings = 0
    private(set) var isEmpty = true

    /// Whether the characters so far are whole groups.
    var isComplete: Bool { count == 0 }

    mutating func feed(_ byte: UInt8) -> Step {
      let value = Base64.values[Int(byte)]
      if value == Base64.invalid { return .fault(.character(byte)) }
      isEmpty = false
      if value == Base64.padding {
        paddings += 1
        if count < 2 || paddings > 2 { return .fault(.lengthOrPadding) }
        group <<= 6
      } else {
        if paddings > 0 { return .fault(.lengthOrPadding) }
        group = group << 6 | UInt32(value)
      }
      count += 1
      guard count == 4 else { return .none }
      defer {
        group = 0
        count = 0
      }
      return .bytes(group, 3 - paddings)
    }
  }
}
