import Synchronization

/// Bytes that all connections together may hold beyond what each has for itself.
package final class ByteBudget: Sendable {
  private let limit: Int
  private let used = Atomic<Int>(0)
  private let isOverdrawn = Atomic<Bool>(false)

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

  /// Lets one connection at a time go past the limit until its line is finished. Without it connections that each hold a part
  /// of a line could wait for each other's room for ever.
  package func overdraw() -> Bool {
    isOverdrawn.compareExchange(expected: false, desired: true, ordering: .relaxed).exchanged
  }

  /// The connection that went past the limit is within it again.
  package func endOverdraft() {
    isOverdrawn.store(false, ordering: .relaxed)
  }

  package var usedBytes: Int { used.load(ordering: .relaxed) }
}
