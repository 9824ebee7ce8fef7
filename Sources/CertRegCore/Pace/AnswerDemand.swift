import Synchronization

/// Knows the last time of high demand for answers from memory. During such demand, all other work of the daemon gives
/// way.
package final class AnswerDemand: Sendable {
  /// The demand is noted every few milliseconds, by a clock that may be 10 ms behind.
  private static let memory = Duration.milliseconds(20)
  /// The shortest time between two yields, since each may cost a time slice of every waiting thread.
  private static let interval = Duration.microseconds(10)

  /// Nanoseconds of the monotonic clock, as the next.
  private let last = Atomic<Int64>(.min / 2)
  private let nextTurn = Atomic<Int64>(.min)

  package init() {}

  /// Records high demand for answers from memory.
  package func note(at now: MonotonicTime) {
    last.store(now.nanoseconds, ordering: .relaxed)
  }

  /// Whether the demand is high.
  package func isHigh(at now: MonotonicTime) -> Bool {
    now.nanoseconds - last.load(ordering: .relaxed) < AnswerDemand.memory.nanoseconds
  }

  /// Whether the demand is high and a thread with other work should give way now.
  package func takesTurn(at now: MonotonicTime) -> Bool {
    guard isHigh(at: now) else { return false }
    let next = nextTurn.load(ordering: .relaxed)
    guard next <= now.nanoseconds else { return false }
    // If several threads ask together, one of them gives way.
    return nextTurn.compareExchange(
      expected: next, desired: now.nanoseconds + AnswerDemand.interval.nanoseconds, ordering: .relaxed
    ).exchanged
  }
}
