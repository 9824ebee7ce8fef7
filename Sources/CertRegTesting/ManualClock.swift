package import CertRegCore
import Synchronization

/// A clock that stands still until a test moves it.
package final class ManualClock: Sendable {
  private let time: Mutex<Moment>

  /// - Parameter start: The first reading. Left out: one second on the monotonic clock, and a day in January 2027.
  package init(
    _ start: Moment = Moment(
      monotonic: MonotonicTime(nanoseconds: 1_000_000_000), wall: WallTime(secondsSinceEpoch: 1_800_000_000))
  ) {
    time = Mutex(start)
  }

  /// The present reading.
  package var now: Moment { time.withLock { $0 } }

  /// Moves both clocks forward.
  package func advance(by duration: Duration) {
    time.withLock { $0 = Moment(monotonic: $0.monotonic + duration, wall: $0.wall + duration) }
  }

  /// Sets only the wall clock, as an operator or NTP does.
  package func setWall(_ wall: WallTime) {
    time.withLock { $0.wall = wall }
  }

  /// The clock to pass in.
  package var clock: HostClock {
    HostClock(monotonic: { self.now.monotonic }, wall: { self.now.wall })
  }
}
