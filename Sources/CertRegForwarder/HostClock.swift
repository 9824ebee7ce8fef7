package import CertRegCore
import Glibc

/// The host's clocks, as a value so that tests can set them.
package struct HostClock: Sendable {
  package var wall: @Sendable () -> WallTime
  package var monotonic: @Sendable () -> MonotonicTime

  package init(wall: @escaping @Sendable () -> WallTime, monotonic: @escaping @Sendable () -> MonotonicTime) {
    self.wall = wall
    self.monotonic = monotonic
  }

  /// The clocks of the kernel. `CLOCK_BOOTTIME` goes on while the host sleeps.
  package static let system = HostClock(
    wall: {
      let time = read(CLOCK_REALTIME)
      return WallTime(millisecondsSinceEpoch: Int64(time.tv_sec) * 1000 + Int64(time.tv_nsec) / 1_000_000)
    },
    monotonic: {
      let time = read(CLOCK_BOOTTIME)
      return MonotonicTime(nanoseconds: Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec))
    })

  private static func read(_ clock: clockid_t) -> timespec {
    var time = timespec()
    clock_gettime(clock, &time)
    return time
  }
}
