import Synchronization

/// Counts up to a limit. Thread-safe.
package final class ConnectionCount: Sendable {
  /// The most that may be counted.
  package let limit: Int
  private let open = Atomic<Int>(0)

  package init(limit: Int) {
    self.limit = limit
  }

  /// Counts one more, or returns `false` at the limit.
  package func enter() -> Bool {
    guard open.wrappingAdd(1, ordering: .relaxed).newValue > limit else { return true }
    leave()
    return false
  }

  /// Counts one less.
  package func leave() {
    open.wrappingSubtract(1, ordering: .relaxed)
  }
}
