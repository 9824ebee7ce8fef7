import CertRegCore

/// A Time of the validity (RFC 5280 section 4.1.2.5).
enum CertificateTime {
  /// The time that `element` says, where it has one of the two forms that RFC 5280 allows: `YYMMDDHHMMSSZ` as UTCTime,
  /// `YYYYMMDDHHMMSSZ` as GeneralizedTime. Those are also the forms that `X509_cmp_time` of OpenSSL compares; for any
  /// other it says that it cannot.
  static func parse(_ element: DERReader.Element, in der: [UInt8]) -> WallTime? {
    let text = der[element.content]
    let yearDigits: Int
    switch element.tag {
    case DERTag.utcTime: yearDigits = 2
    case DERTag.generalizedTime: yearDigits = 4
    default: return nil
    }
    guard text.count == yearDigits + 11, text.last == UInt8(ascii: "Z") else { return nil }
    let digits = text.dropLast().map { Int($0) - Int(UInt8(ascii: "0")) }
    guard digits.allSatisfy((0...9).contains) else { return nil }
    var year = digits[..<yearDigits].reduce(0) { $0 * 10 + $1 }
    if yearDigits == 2 { year += year < 50 ? 2000 : 1900 }
    let pairs = (0..<5).map { digits[yearDigits + 2 * $0] * 10 + digits[yearDigits + 2 * $0 + 1] }
    guard (1...12).contains(pairs[0]), (1...daysInMonth(pairs[0], year: year)).contains(pairs[1]), pairs[2] <= 23,
      pairs[3] <= 59, pairs[4] <= 59
    else { return nil }
    return CivilTime.wallTime(
      year: year, month: pairs[0], day: pairs[1], hour: pairs[2], minute: pairs[3], second: pairs[4])
  }

  private static func daysInMonth(_ month: Int, year: Int) -> Int {
    switch month {
    case 2: year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) ? 29 : 28
    case 4, 6, 9, 11: 30
    default: 31
    }
  }
}
