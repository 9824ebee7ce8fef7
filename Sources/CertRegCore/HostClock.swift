/// The time of an event on both clocks.
package struct Moment: Hashable, Sendable {
  /// The monotonic clock.
  package var monotonic: MonotonicTime
  /// The wall clock.
  package var wall: WallTime

  package init(monotonic: MonotonicTime, wall: WallTime) {
    self.monotonic = monotonic
    self.wall = wall
  }
}

/// The clock of the process. It is passed in wherever the time matters, so that tests can set it; only the entry points
/// of the programs use the system's.
package struct HostClock: Sendable {
  private let readMonotonic: @Sendable () -> MonotonicTime
  private let readWall: @Sendable () -> WallTime

  package init(
    monotonic: @escaping @Sendable () -> MonotonicTime, wall: @escaping @Sendable () -> WallTime
  ) {
    readMonotonic = monotonic
    readWall = wall
  }

  /// For timeouts, pacing and ages: it never jumps, and it goes on while the host sleeps.
  package var monotonic: MonotonicTime { readMonotonic() }

  /// For records and certificates: it jumps when somebody sets it.
  package var wall: WallTime { readWall() }

  /// Both clocks at once.
  package var now: Moment { Moment(monotonic: readMonotonic(), wall: readWall()) }
}
