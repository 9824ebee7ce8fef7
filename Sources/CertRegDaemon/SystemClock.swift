import CertRegCore
import Glibc

/// The system's clocks.
enum SystemClock {
  /// The same clocks, for parts that get their clock passed in.
  static let host = HostClock(monotonic: { monotonic }, wall: { wall })

  static var moment: Moment {
    Moment(monotonic: monotonic, wall: wall)
  }

  static var wall: WallTime {
    var time = timespec()
    clock_gettime(CLOCK_REALTIME, &time)
    return WallTime(millisecondsSinceEpoch: Int64(time.tv_sec) * 1000 + Int64(time.tv_nsec) / 1_000_000)
  }

  /// The clock that NIO's deadlines use, too.
  static var monotonic: MonotonicTime {
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    return MonotonicTime(nanoseconds: Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec))
  }
}
