/// NH, the hash that UMAC and VMAC are built on, with words of 64 bits (Black, Halevi, Krawczyk, Krovetz, Rogaway:
/// UMAC, 1999, section 4), under a key that is drawn at the start of the process.
///
/// It stands for a certificate's text in `AnswerMemo`. Two different texts of one length have the same hash under a
/// random key with probability 2^-64, and nobody without the key can do better. It takes one multiplication for 16
/// bytes. Comparing the texts themselves would take a kilobyte of memory for each.
package final class TextHash: Sendable {
  /// A hash of 128 bits, and the text's length: the hash distinguishes only texts of one length.
  package struct Value: Hashable, Sendable {
    /// The lower half of the hash.
    package var low: UInt64
    /// The upper half of the hash.
    package var high: UInt64
    /// Bytes of the text.
    package var length: UInt32

    package init(low: UInt64 = 0, high: UInt64 = 0, length: UInt32 = 0) {
      self.low = low
      self.high = high
      self.length = length
    }
  }

  /// Bytes of the longest text that can be hashed: NH needs as much key as text.
  package static let longestText = 16 * 1024
  private static let keyWords = longestText / 8

  // Written once in the initializer and freed in deinit; in between, threads only read it.
  nonisolated(unsafe) private let key: UnsafeMutablePointer<UInt64>

  /// Draws a key.
  package init(using random: inout some RandomNumberGenerator) {
    key = .allocate(capacity: Self.keyWords)
    for index in 0..<Self.keyWords { (key + index).initialize(to: random.next()) }
  }

  deinit {
    key.deallocate()
  }

  /// The hash of at most `longestText` bytes; traps for a longer text. Reads eight bytes at a time, hence the raw
  /// pointer.
  package func value(of bytes: UnsafeRawBufferPointer) -> Value {
    precondition(bytes.count <= Self.longestText)
    var low: UInt64 = 0
    var high: UInt64 = 0

    @inline(__always)
    func add(_ first: UInt64, _ second: UInt64, at word: Int) {
      let product = (first &+ key[word]).multipliedFullWidth(by: second &+ key[word + 1])
      let sum = low.addingReportingOverflow(product.low)
      low = sum.partialValue
      high &+= product.high &+ (sum.overflow ? 1 : 0)
    }

    let whole = bytes.count & ~15
    var offset = 0
    while offset < whole {
      add(
        UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: offset, as: UInt64.self)),
        UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: offset + 8, as: UInt64.self)), at: offset / 8)
      offset += 16
    }
    if offset < bytes.count {
      // The rest, padded with zeros.
      var rest: (UInt64, UInt64) = (0, 0)
      withUnsafeMutableBytes(of: &rest) { $0.copyMemory(from: UnsafeRawBufferPointer(rebasing: bytes[offset...])) }
      add(UInt64(littleEndian: rest.0), UInt64(littleEndian: rest.1), at: offset / 8)
    }
    return Value(low: low, high: high, length: UInt32(bytes.count))
  }
}
