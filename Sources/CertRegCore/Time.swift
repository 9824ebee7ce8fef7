/// A point on the wall clock, in milliseconds since 1970-01-01T00:00:00Z. For records and certificates. The wall clock
/// jumps, so that timeouts never use it.
package struct WallTime: Hashable, Comparable, Sendable {
  /// Negative before 1970. Leap seconds do not count, as in POSIX.
  package var millisecondsSinceEpoch: Int64

  package init(millisecondsSinceEpoch: Int64) {
    self.millisecondsSinceEpoch = millisecondsSinceEpoch
  }

  /// The nearest time that can be represented, for any number.
  package init(secondsSinceEpoch: Int64) {
    self.millisecondsSinceEpoch = secondsSinceEpoch.multipliedClamping(by: 1000)
  }

  /// The same in microseconds; the nearest number that can be represented.
  package var microsecondsSinceEpoch: Int64 { millisecondsSinceEpoch.multipliedClamping(by: 1000) }

  /// Whole seconds since the epoch, rounded down.
  package var secondsSinceEpoch: Int64 {
    let quotient = millisecondsSinceEpoch / 1000
    return millisecondsSinceEpoch % 1000 < 0 ? quotient - 1 : quotient
  }

  /// Whether `left` is earlier.
  package static func < (left: WallTime, right: WallTime) -> Bool {
    left.millisecondsSinceEpoch < right.millisecondsSinceEpoch
  }

  /// The time `duration` later. Parts of a millisecond are dropped. The nearest time that can be represented, for any
  /// duration.
  package static func + (time: WallTime, duration: Duration) -> WallTime {
    WallTime(millisecondsSinceEpoch: time.millisecondsSinceEpoch.addingClamping(duration.milliseconds))
  }

  /// The time from `right` to `left`, negative where `left` is earlier; the nearest one that can be represented.
  package static func - (left: WallTime, right: WallTime) -> Duration {
    .milliseconds(left.millisecondsSinceEpoch.subtractingClamping(right.millisecondsSinceEpoch))
  }

  /// `2026-11-24T08:09:10.123Z` (RFC 3339 section 5.6), always in UTC and with milliseconds.
  package var rfc3339: String {
    let parts = CivilTime(self)
    var text = TimeText()
    text.append(parts.year, width: 4, before: "-")
    text.append(parts.month, width: 2, before: "-")
    text.append(parts.day, width: 2, before: "T")
    text.append(parts.hour, width: 2, before: ":")
    text.append(parts.minute, width: 2, before: ":")
    text.append(parts.second, width: 2, before: ".")
    text.append(parts.millisecond, width: 3, before: "Z")
    return text.text
  }

  /// `20261124T080910Z`, the form of `X-Amz-Date` (ISO 8601 basic).
  package var amzDate: String {
    let parts = CivilTime(self)
    var text = TimeText()
    text.append(parts.year, width: 4)
    text.append(parts.month, width: 2)
    text.append(parts.day, width: 2, before: "T")
    text.append(parts.hour, width: 2)
    text.append(parts.minute, width: 2)
    text.append(parts.second, width: 2, before: "Z")
    return text.text
  }

  /// Reads `amzDate`; `nil` for anything else, a date that the calendar does not have included.
  package init?(amzDate text: some StringProtocol) {
    let bytes = Array(text.utf8)
    guard bytes.count == 16 else { return nil }
    func number(_ range: Range<Int>) -> Int? {
      bytes[range].reduce(0 as Int?) { value, byte in
        guard let value, byte >= UInt8(ascii: "0"), byte <= UInt8(ascii: "9") else { return nil }
        return value * 10 + Int(byte - UInt8(ascii: "0"))
      }
    }
    guard let year = number(0..<4), let month = number(4..<6), let day = number(6..<8), let hour = number(9..<11),
      let minute = number(11..<13), let second = number(13..<15)
    else { return nil }
    let time = CivilTime.wallTime(year: year, month: month, day: day, hour: hour, minute: minute, second: second)
    // Fields out of range carry over: then the text that comes back is another.
    guard time.amzDate == text else { return nil }
    self = time
  }
}

/// A point on a clock that never jumps, in nanoseconds since an arbitrary start. For timeouts and pacing.
package struct MonotonicTime: Hashable, Comparable, Sendable {
  /// Since an arbitrary start, which is the same for all readings of one clock.
  package var nanoseconds: Int64

  package init(nanoseconds: Int64) {
    self.nanoseconds = nanoseconds
  }

  /// Whether `left` is earlier.
  package static func < (left: MonotonicTime, right: MonotonicTime) -> Bool {
    left.nanoseconds < right.nanoseconds
  }

  /// The time `duration` later. The nearest time that can be represented, for any duration.
  package static func + (time: MonotonicTime, duration: Duration) -> MonotonicTime {
    MonotonicTime(nanoseconds: time.nanoseconds.addingClamping(duration.nanoseconds))
  }

  /// The time from `right` to `left`; negative if `left` is earlier. The nearest duration that can be represented.
  package static func - (left: MonotonicTime, right: MonotonicTime) -> Duration {
    .nanoseconds(left.nanoseconds.subtractingClamping(right.nanoseconds))
  }
}

extension Duration {
  /// A number of seconds, in whole nanoseconds rounded towards zero, for any number: beyond the range of `Int64` (292
  /// years) the nearest bound, and the longest duration for one that is not a number, such as 0 / 0.
  package static func nearest(toSeconds seconds: Double) -> Duration {
    let nanoseconds = (seconds * 1e9).rounded(.towardZero)
    return .nanoseconds(Int64(exactly: nanoseconds) ?? (nanoseconds < 0 ? .min : .max))
  }

  /// Whole milliseconds, rounded towards zero. Durations beyond the range of `Int64` give its bounds.
  package var milliseconds: Int64 {
    let (seconds, attoseconds) = components
    return seconds.multipliedClamping(by: 1000).addingClamping(attoseconds / 1_000_000_000_000_000)
  }

  /// Whole nanoseconds, rounded towards zero. Durations beyond the range of `Int64` (292 years) give its bounds.
  package var nanoseconds: Int64 {
    let (seconds, attoseconds) = components
    return seconds.multipliedClamping(by: 1_000_000_000).addingClamping(attoseconds / 1_000_000_000)
  }
}

/// Arithmetic on numbers from outside, which may have any value: a result beyond the range is the nearest bound.
extension Int64 {
  fileprivate func addingClamping(_ other: Int64) -> Int64 {
    let (sum, overflows) = addingReportingOverflow(other)
    return overflows ? (other < 0 ? .min : .max) : sum
  }

  fileprivate func subtractingClamping(_ other: Int64) -> Int64 {
    let (difference, overflows) = subtractingReportingOverflow(other)
    return overflows ? (other < 0 ? .max : .min) : difference
  }

  fileprivate func multipliedClamping(by factor: Int64) -> Int64 {
    let (product, overflows) = multipliedReportingOverflow(by: factor)
    return overflows ? ((self < 0) == (factor < 0) ? .max : .min) : product
  }
}
