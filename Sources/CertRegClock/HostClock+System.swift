package import CertRegCore
import Glibc

extension HostClock {
  /// The kernel's clocks: `CLOCK_BOOTTIME`, which goes on while the host sleeps, and `CLOCK_REALTIME`.
  package static let system = HostClock(
    monotonic: {
      let time = read(CLOCK_BOOTTIME)
      return MonotonicTime(nanoseconds: Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec))
    },
    wall: {
      let time = read(CLOCK_REALTIME)
      return WallTime(millisecondsSinceEpoch: Int64(time.tv_sec) * 1000 + Int64(time.tv_nsec) / 1_000_000)
    })

  private static func read(_ clock: clockid_t) -> timespec {
    var time = timespec()
    // Neither clock can fail to be read on Linux (clock_gettime(2)).
    clock_gettime(clock, &time)
    return time
  }
}
