/// The 32 bytes of a SHA-256 digest (FIPS 180-4), held inline so that a table of them needs no further allocation.
package struct SHA256Digest: Hashable, Sendable {
  /// The digest's bytes in memory order, eight to a word.
  package var words: (UInt64, UInt64, UInt64, UInt64)

  package init(words: (UInt64, UInt64, UInt64, UInt64) = (0, 0, 0, 0)) {
    self.words = words
  }

  /// Takes the bytes of `digest`, or returns `nil` where there are not exactly 32 of them.
  package init?(bytes digest: some Collection<UInt8>) {
    guard digest.count == 32 else { return nil }
    self.init()
    // One copy: a loop over a generic collection costs 4 µs, and a fleet tells of thousands of certificates.
    let bytes = Array(digest)
    withMutableBytes { $0.copyBytes(from: bytes) }
  }

  /// Reads 64 hexadecimal digits of either case; `nil` for anything else.
  package init?(hex: some Collection<UInt8>) {
    guard hex.count == 64 else { return nil }
    self.init()
    // Indexing a generic collection is slow, and every call to the upstream reads a digest.
    let digits = Array(hex)
    for offset in 0..<32 {
      guard let high = digits[2 * offset].hexDigitValue, let low = digits[2 * offset + 1].hexDigitValue
      else { return nil }
      withMutableBytes { $0[offset] = high << 4 | low }
    }
  }

  /// Lends the 32 bytes. The pointer is valid inside `body` only.
  ///
  /// - Throws: What `body` throws.
  package func withBytes<Result, Failure: Error>(
    _ body: (UnsafeRawBufferPointer) throws(Failure) -> Result
  ) throws(Failure) -> Result {
    var copy = words
    return try withUnsafeBytesOf(&copy, body)
  }

  /// Lends the 32 bytes for writing. The pointer is valid inside `body` only.
  package mutating func withMutableBytes<Result>(_ body: (UnsafeMutableRawBufferPointer) -> Result) -> Result {
    withUnsafeMutableBytes(of: &words) { body($0) }
  }

  /// The digest as an array, for APIs that want one.
  package var bytes: [UInt8] {
    withBytes { Array($0) }
  }

  /// 64 lower-case hexadecimal digits.
  package var hex: String {
    String(unsafeUninitializedCapacity: 64) { buffer in
      withBytes { bytes in
        for (offset, byte) in bytes.enumerated() {
          buffer[2 * offset] = SHA256Digest.hexDigit(byte >> 4)
          buffer[2 * offset + 1] = SHA256Digest.hexDigit(byte & 15)
        }
      }
      return 64
    }
  }

  /// A lower-case hexadecimal digit.
  package static func hexDigit(_ nibble: UInt8) -> UInt8 {
    nibble < 10 ? UInt8(ascii: "0") + nibble : UInt8(ascii: "a") + nibble - 10
  }

  /// Whether all 32 bytes are equal. Not in constant time.
  package static func == (left: SHA256Digest, right: SHA256Digest) -> Bool {
    left.words == right.words
  }

  /// Hashes all words: callers may choose the ids of certificates, and the first word of many of them alike.
  package func hash(into hasher: inout Hasher) {
    hasher.combine(words.0)
    hasher.combine(words.1)
    hasher.combine(words.2)
    hasher.combine(words.3)
  }
}

/// `withUnsafeBytes(of:)` with a typed error, which the standard library's does not have.
private func withUnsafeBytesOf<Value, Result, Failure: Error>(
  _ value: inout Value, _ body: (UnsafeRawBufferPointer) throws(Failure) -> Result
) throws(Failure) -> Result {
  let outcome: Swift.Result<Result, Failure> = withUnsafeBytes(of: &value) { bytes in
    do throws(Failure) { return .success(try body(bytes)) } catch { return .failure(error) }
  }
  return try outcome.get()
}

extension SHA256Digest: CustomStringConvertible {
  package var description: String { hex }
}

/// AWS IoT's `certificateId`: the SHA-256 of the certificate's DER encoding.
package typealias CertificateID = SHA256Digest

extension UInt8 {
  /// Whether this is a decimal digit in ASCII.
  package var isDecimalDigit: Bool { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(self) }

  /// The value of the hexadecimal digit, of either case, that this is in ASCII; `nil` where it is none.
  package var hexDigitValue: UInt8? {
    switch self {
    case UInt8(ascii: "0")...UInt8(ascii: "9"): self - UInt8(ascii: "0")
    case UInt8(ascii: "a")...UInt8(ascii: "f"): self - UInt8(ascii: "a") + 10
    case UInt8(ascii: "A")...UInt8(ascii: "F"): self - UInt8(ascii: "A") + 10
    default: nil
    }
  }
}
