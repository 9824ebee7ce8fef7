/// Compares JSON numbers with the range of a double without converting them.
enum NumberMagnitude {
  /// Whether the number, valid by the grammar, is past the largest finite double (IEEE 754 binary64), so that a reader
  /// that keeps numbers as doubles would see infinity.
  static func exceedsDouble(_ number: Slice<UnsafeRawBufferPointer>) -> Bool {
    // A number of so few bytes without an exponent is below 10^308.
    if number.count < 308, !number.contains(where: { $0 | 0x20 == UInt8(ascii: "e") }) { return false }
    guard let exponent = decimalExponent(number) else { return false }
    if exponent != 308 { return exponent > 308 }
    // 1.797…e308 is the limit: only the conversion itself, with its rounding, can tell.
    guard let value = Double(String(decoding: number, as: UTF8.self)) else { return true }
    return value.isInfinite
  }

  /// The E of d.ddd × 10^E with a leading digit other than zero; `nil` for zero.
  private static func decimalExponent(_ number: Slice<UnsafeRawBufferPointer>) -> Int? {
    var integerDigits = 0
    var leadingZeros = 0
    var foundDigit = false
    var inFraction = false
    var exponent = 0
    var exponentIsNegative = false
    var inExponent = false
    for byte in number {
      switch byte {
      case UInt8(ascii: "."): inFraction = true
      case UInt8(ascii: "e"), UInt8(ascii: "E"): inExponent = true
      case UInt8(ascii: "-"): exponentIsNegative = inExponent
      case UInt8(ascii: "+"): break
      default:
        if inExponent {
          // No line has so many digits that the mantissa could make up for an exponent beyond this.
          exponent = min(exponent * 10 + Int(byte - UInt8(ascii: "0")), 1 << 40)
        } else {
          foundDigit = foundDigit || byte != UInt8(ascii: "0")
          if !inFraction, foundDigit { integerDigits += 1 }
          if inFraction, !foundDigit { leadingZeros += 1 }
        }
      }
    }
    guard foundDigit else { return nil }
    let ofMantissa = integerDigits > 0 ? integerDigits - 1 : -leadingZeros - 1
    return ofMantissa + (exponentIsNegative ? -exponent : exponent)
  }
}
