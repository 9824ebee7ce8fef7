import Synchronization

/// Knows when answers from memory were asked for last. While they are, everything else the daemon does gives way to them.
package final class AnswerDemand: Sendable {
  /// Clients that ask all the time leave shorter pauses than that.
  private static let memory = Duration.milliseconds(10)

  /// Nanoseconds of the monotonic clock.
  private let last = Atomic<Int64>(.min / 2)

  package init() {}

  /// Answers from memory have been asked for.
  package func note(at now: MonotonicTime) {
    // Other threads read it: to write it is dearer than to look.
    guard last.load(ordering: .relaxed) != now.nanoseconds else { return }
    last.store(now.nanoseconds, ordering: .relaxed)
  }

  /// Whether they are being asked for.
  package func isPressing(at now: MonotonicTime) -> Bool {
    now.nanoseconds - last.load(ordering: .relaxed) < AnswerDemand.memory.nanoseconds
  }
}
