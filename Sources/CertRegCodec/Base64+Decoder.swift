extension Base64 {
  /// Takes characters one by one and gives up to three bytes for each group of four.
  package struct Decoder {
    /// What a character brings.
    package enum Step {
      /// The group is not complete.
      case none
      /// The group is complete: the first `count` of the three bytes below bit 24, the highest first.
      case bytes(UInt32, count: Int)
      case fault(Fault)
    }

    private var group: UInt32 = 0
    private var count = 0
    /// How many equals signs came.
    package private(set) var paddings = 0
    /// Whether no character came.
    package private(set) var isEmpty = true

    package init() {}

    /// Whether the characters so far make whole groups.
    package var isComplete: Bool { count == 0 }

    /// Takes the next character. After a fault the decoder is of no more use.
    package mutating func feed(_ byte: UInt8) -> Step {
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
      return .bytes(group, count: 3 - paddings)
    }

    /// Takes the next character and appends the bytes of a group that it completes.
    ///
    /// - Throws: ``Base64/Fault`` for a character that cannot stand there.
    package mutating func feed(_ byte: UInt8, into bytes: inout [UInt8]) throws(Fault) {
      switch feed(byte) {
      case .none: return
      case .bytes(let group, let count):
        bytes.append(UInt8(truncatingIfNeeded: group >> 16))
        if count > 1 { bytes.append(UInt8(truncatingIfNeeded: group >> 8)) }
        if count > 2 { bytes.append(UInt8(truncatingIfNeeded: group)) }
      case .fault(let fault): throw fault
      }
    }
  }
}
