/// A wall time broken into its UTC fields (proleptic Gregorian calendar).
package struct CivilTime: Equatable, Sendable {
  /// Four digits for the years of certificates; may be negative.
  package var year: Int
  /// 1 to 12.
  package var month: Int
  /// Day of the month, 1 to 31.
  package var day: Int
  /// 0 to 23.
  package var hour: Int
  /// 0 to 59.
  package var minute: Int
  /// 0 to 59: leap seconds do not count.
  package var second: Int
  /// 0 to 999.
  package var millisecond: Int

  /// The fields of `time` in UTC.
  package init(_ time: WallTime) {
    let seconds = time.secondsSinceEpoch
    let days = seconds >= 0 ? seconds / 86_400 : (seconds - 86_399) / 86_400
    let secondOfDay = Int(seconds - days * 86_400)
    // Days to civil date with eras of 400 years that begin on 1 March, so that the leap day comes last.
    let shifted = Int(days) + 719_468
    let era = (shifted >= 0 ? shifted : shifted - 146_096) / 146_097
    let dayOfEra = shifted - era * 146_097
    let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
    let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
    let shiftedMonth = (5 * dayOfYear + 2) / 153
    day = dayOfYear - (153 * shiftedMonth + 2) / 5 + 1
    month = shiftedMonth < 10 ? shiftedMonth + 3 : shiftedMonth - 9
    year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
    hour = secondOfDay / 3600
    minute = secondOfDay / 60 % 60
    second = secondOfDay % 60
    millisecond = Int((time.millisecondsSinceEpoch % 1000 + 1000) % 1000)
  }

  /// The wall time of UTC fields. A field that is too large adds to the next larger one.
  package static func wallTime(
    year: Int, month: Int, day: Int, hour: Int = 0, minute: Int = 0, second: Int = 0
  ) -> WallTime {
    let shiftedYear = month <= 2 ? year - 1 : year
    let era = (shiftedYear >= 0 ? shiftedYear : shiftedYear - 399) / 400
    let yearOfEra = shiftedYear - era * 400
    let dayOfYear = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1
    let dayOfEra = yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear
    let days = era * 146_097 + dayOfEra - 719_468
    return WallTime(secondsSinceEpoch: Int64(days * 86_400 + hour * 3600 + minute * 60 + second))
  }
}

/// A time as it is put together, in bytes: each line of the log has one.
struct TimeText {
  private var bytes: [UInt8] = []

  init() { bytes.reserveCapacity(24) }

  var text: String { String(decoding: bytes, as: UTF8.self) }

  /// Appends a number with at least `width` digits, and the character behind it.
  mutating func append(_ value: Int, width: Int, before end: Unicode.Scalar? = nil) {
    if value < 0 { bytes.append(UInt8(ascii: "-")) }
    let start = bytes.count
    var rest = value.magnitude
    while rest > 0 || bytes.count < start + width {
      bytes.append(UInt8(ascii: "0") + UInt8(rest % 10))
      rest /= 10
    }
    bytes[start...].reverse()
    if let end { bytes.append(UInt8(ascii: end)) }
  }
}
