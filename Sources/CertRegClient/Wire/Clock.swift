package import CertRegCore
import Glibc

/// The machine's clocks.
package enum Clock {
  /// Time on CLOCK_MONOTONIC.
  package static var now: MonotonicTime {
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    return MonotonicTime(nanoseconds: Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec))
  }

  /// Time on CLOCK_REALTIME.
  package static var wall: WallTime {
    var time = timespec()
    clock_gettime(CLOCK_REALTIME, &time)
    return WallTime(millisecondsSinceEpoch: Int64(time.tv_sec) * 1000 + Int64(time.tv_nsec) / 1_000_000)
  }

  /// What poll(2) wants: milliseconds until `deadline`, rounded up; -1 for no deadline.
  static func pollTimeout(until deadline: MonotonicTime?) -> Int32 {
    guard let deadline else { return -1 }
    let left = max(0, deadline.nanoseconds - now.nanoseconds)
    return Int32(clamping: (left + 999_999) / 1_000_000)
  }
}
