import Synchronization

/// Bytes that all connections together may hold beyond what each has for itself.
package final class ByteBudget: Sendable {
  private let limit: Int
  private let used = Atomic<Int>(0)
  private let isOverdrawn = Atomic<Bool>(false)
  /// Connections that wait look again more often than this, in nanoseconds.
  private static let longestLook: UInt64 = 200_000_000
  private let awaitedAt = Atomic<UInt64>(0)

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

  /// A connection waits for bytes that others hold. `now`: nanoseconds of the monotonic clock, as below.
  package func noteAwaited(at now: UInt64) {
    awaitedAt.store(now, ordering: .relaxed)
  }

  /// Whether connections, of whatever loop, wait for bytes.
  package func isAwaited(at now: UInt64) -> Bool {
    let last = awaitedAt.load(ordering: .relaxed)
    return last > 0 && now < last + ByteBudget.longestLook
  }

  package var usedBytes: Int { used.load(ordering: .relaxed) }
}
