/// SipHash-2-4 with 128 bits of output (Aumasson, Bernstein 2012) under a key that is drawn at the start of the process.
///
/// It stands for a certificate's text in `AnswerMemo`: whoever does not know the key cannot make two texts with one hash, and
/// by chance it happens once in 2^64 texts. Comparing the texts themselves would keep a kilobyte for each.
package struct TextHash: Sendable {
  /// A hash of 128 bits.
  package struct Value: Hashable, Sendable {
    package var low: UInt64
    package var high: UInt64

    package init(low: UInt64, high: UInt64) {
      self.low = low
      self.high = high
    }
  }

  private let key: (UInt64, UInt64)

  package init(key: (UInt64, UInt64)) {
    self.key = key
  }

  /// The hash of `bytes`. Reads them eight at a time from where they lie: the reason for the raw pointer.
  package func value(of bytes: UnsafeRawBufferPointer) -> Value {
    var v0 = key.0 ^ 0x736f_6d65_7073_6575
    var v1 = key.1 ^ 0x646f_7261_6e64_6f6d ^ 0xee
    var v2 = key.0 ^ 0x6c79_6765_6e65_7261
    var v3 = key.1 ^ 0x7465_6462_7974_6573

    @inline(__always)
    func round() {
      v0 &+= v1
      v2 &+= v3
      v1 = (v1 << 13 | v1 >> 51) ^ v0
      v3 = (v3 << 16 | v3 >> 48) ^ v2
      v0 = v0 << 32 | v0 >> 32
      v2 &+= v1
      v0 &+= v3
      v1 = (v1 << 17 | v1 >> 47) ^ v2
      v3 = (v3 << 21 | v3 >> 43) ^ v0
      v2 = v2 << 32 | v2 >> 32
    }

    @inline(__always)
    func absorb(_ word: UInt64) {
      v3 ^= word
      round()
      round()
      v0 ^= word
    }

    let whole = bytes.count & ~7
    var offset = 0
    while offset < whole {
      absorb(UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: offset, as: UInt64.self)))
      offset += 8
    }
    var last = UInt64(truncatingIfNeeded: bytes.count) << 56
    var shift: UInt64 = 0
    while offset < bytes.count {
      last |= UInt64(bytes[offset]) << shift
      shift += 8
      offset += 1
    }
    absorb(last)

    v2 ^= 0xee
    for _ in 0..<4 { round() }
    let low = v0 ^ v1 ^ v2 ^ v3
    v1 ^= 0xdd
    for _ in 0..<4 { round() }
    return Value(low: low, high: v0 ^ v1 ^ v2 ^ v3)
  }
}
