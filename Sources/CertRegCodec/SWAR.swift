/// Tests on the eight bytes of a word at once ("SIMD within a register").
///
/// A result has the top bit set of each byte that was found. In a word only the lowest one is exact, because a borrow
/// may mark bytes above it; callers use no other.
public enum SWAR {
  /// The top bit of each byte.
  @inlinable
  @inline(__always)
  public static var top: UInt64 { 0x8080_8080_8080_8080 }

  /// Marks the bytes that end a run of plain text in a JSON string: the quote, the backslash, control characters below
  /// 0x20, and everything that is not ASCII. The word's first byte in memory is its lowest.
  @inlinable
  @inline(__always)
  public static func stringStops(_ word: UInt64) -> UInt64 {
    // Flipping bit 1 moves the quote (0x22) to 0x20, just above the control characters, and those among themselves:
    // one comparison with 0x21 finds both.
    let controlOrQuote = (word ^ 0x0202_0202_0202_0202) &- 0x2121_2121_2121_2121
    let backslash = (word ^ 0x5c5c_5c5c_5c5c_5c5c) &- 0x0101_0101_0101_0101
    return (controlOrQuote | backslash | word) & top
  }

  /// Marks the bytes that may have to be escaped in a JSON string: the same, and DEL.
  @inlinable
  @inline(__always)
  public static func escapes(_ word: UInt64) -> UInt64 {
    stringStops(word) | ((word ^ 0x7f7f_7f7f_7f7f_7f7f) &- 0x0101_0101_0101_0101) & top
  }

  /// Marks the backslashes.
  @inlinable
  @inline(__always)
  public static func backslashes(_ word: UInt64) -> UInt64 {
    let difference = word ^ 0x5c5c_5c5c_5c5c_5c5c
    return (difference &- 0x0101_0101_0101_0101) & ~difference & top
  }

  /// The eight lower-case hexadecimal digits of four bytes, the first byte (lowest in the word) first.
  @inlinable
  @inline(__always)
  public static func hexDigits(_ bytes: UInt32) -> UInt64 {
    var digits = UInt64(bytes)
    digits = (digits | digits << 16) & 0x0000_ffff_0000_ffff
    digits = (digits | digits << 8) & 0x00ff_00ff_00ff_00ff
    digits = (digits >> 4 & 0x000f_000f_000f_000f) | (digits & 0x000f_000f_000f_000f) << 8
    // 1 in each byte whose digit is a letter: 10 + 6 carries into the fifth bit.
    let letters = (digits &+ 0x0606_0606_0606_0606) >> 4 & 0x0101_0101_0101_0101
    return digits &+ 0x3030_3030_3030_3030 &+ letters &* 0x27
  }
}
