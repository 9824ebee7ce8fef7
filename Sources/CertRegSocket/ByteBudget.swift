import Synchronization

/// Bytes that all connections together may hold beyond what each has for itself.
package final class ByteBudget: Sendable {
  private let limit: Int
  private let used = Atomic<Int>(0)

  /// `limit`: bytes.
  package init(limit: Int) {
    self.limit = limit
  }

  /// Takes `count` bytes, or returns `false` and takes none.
  package func take(_ count: Int) -> Bool {
    guard used.wrappingAdd(count, ordering: .relaxed).newValue > limit else { return true }
    give(back: count)
    return false
  }

  package func give(back count: Int) {
    used.wrappingSubtract(count, ordering: .relaxed)
  }

  package var usedBytes: Int { used.load(ordering: .relaxed) }
}
