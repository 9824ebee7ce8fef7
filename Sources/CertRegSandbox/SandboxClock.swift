package import CertRegCore
import Glibc

/// Where the sandbox takes the time from.
package struct SandboxClock: Sendable {
  package var wallTime: @Sendable () -> WallTime
  package var monotonicTime: @Sendable () -> MonotonicTime

  package init(
    wallTime: @escaping @Sendable () -> WallTime, monotonicTime: @escaping @Sendable () -> MonotonicTime
  ) {
    self.wallTime = wallTime
    self.monotonicTime = monotonicTime
  }

  /// The system's clocks.
  package static let system = SandboxClock(
    wallTime: {
      let time = read(CLOCK_REALTIME)
      return WallTime(millisecondsSinceEpoch: Int64(time.tv_sec) * 1000 + Int64(time.tv_nsec) / 1_000_000)
    },
    monotonicTime: {
      let time = read(CLOCK_MONOTONIC)
      return MonotonicTime(nanoseconds: Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec))
    })

  private static func read(_ clock: clockid_t) -> timespec {
    var time = timespec()
    // Neither clock can fail to be read on Linux (clock_gettime(2)).
    clock_gettime(clock, &time)
    return time
  }
}
