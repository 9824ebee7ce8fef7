import Synchronization

/// Knows when many answers from memory were asked for last. While they are, everything else the daemon does gives way to them.
package final class AnswerDemand: Sendable {
  /// The demand is noted every few milliseconds, by a clock that may be 10 ms behind.
  private static let memory = Duration.milliseconds(20)
  /// Giving way may cost a time slice of everybody who waits for the processor: not more often than that.
  private static let interval = Duration.microseconds(10)

  /// Nanoseconds of the monotonic clock, as the next.
  private let last = Atomic<Int64>(.min / 2)
  private let nextTurn = Atomic<Int64>(.min)

  package init() {}

  /// Many answers from memory are being asked for.
  package func note(at now: MonotonicTime) {
    last.store(now.nanoseconds, ordering: .relaxed)
  }

  /// Whether many are being asked for.
  package func isHigh(at now: MonotonicTime) -> Bool {
    now.nanoseconds - last.load(ordering: .relaxed) < AnswerDemand.memory.nanoseconds
  }

  /// Whether they are being asked for, and a thread that is at something else should give way now.
  package func takesTurn(at now: MonotonicTime) -> Bool {
    guard isHigh(at: now) else { return false }
    let next = nextTurn.load(ordering: .relaxed)
    guard next <= now.nanoseconds else { return false }
    // Of threads that ask together one does.
    return nextTurn.compareExchange(
      expected: next, desired: now.nanoseconds + AnswerDemand.interval.nanoseconds, ordering: .relaxed
    ).exchanged
  }
}
