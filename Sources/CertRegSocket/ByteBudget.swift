import Synchronization

/// The bytes that all connections together may hold beyond their own allowances. Thread-safe.
package final class ByteBudget: Sendable {
  private let limit: Int
  private let used = Atomic<Int>(0)
  private let isOverdrawn = Atomic<Bool>(false)
  /// Nanoseconds for which a waiting connection counts; waiting connections look again more often.
  private static let longestLook: UInt64 = 200_000_000
  private let awaitedAt = Atomic<UInt64>(0)

  /// - Parameter limit: Bytes.
  package init(limit: Int) {
    self.limit = limit
  }

  /// Takes `count` bytes, or returns `false` and takes none.
  package func take(_ count: Int) -> Bool {
    guard used.wrappingAdd(count, ordering: .relaxed).newValue > limit else { return true }
    give(back: count)
    return false
  }

  /// Takes `count` bytes for what is there already, also past the limit: nobody else gets any until they are given back.
  package func takeAnyway(_ count: Int) {
    used.wrappingAdd(count, ordering: .relaxed)
  }

  /// Gives back bytes that were taken.
  package func give(back count: Int) {
    used.wrappingSubtract(count, ordering: .relaxed)
  }

  /// Lets one connection at a time go past the limit until its line is finished; returns whether it is this one.
  /// Otherwise connections that each hold a part of a line could wait for each other forever.
  package func overdraw() -> Bool {
    isOverdrawn.compareExchange(expected: false, desired: true, ordering: .relaxed).exchanged
  }

  /// Ends the overdraft of the connection that has it.
  package func endOverdraft() {
    isOverdrawn.store(false, ordering: .relaxed)
  }

  /// Notes that a connection waits for bytes that others hold.
  ///
  /// - Parameter now: Nanoseconds of the monotonic clock.
  package func noteAwaited(at now: UInt64) {
    awaitedAt.store(now, ordering: .relaxed)
  }

  /// Whether connections of any loop wait for bytes.
  ///
  /// - Parameter now: Nanoseconds of the monotonic clock.
  package func isAwaited(at now: UInt64) -> Bool {
    let last = awaitedAt.load(ordering: .relaxed)
    return last > 0 && now < last + ByteBudget.longestLook
  }

  /// The bytes that are taken.
  package var usedBytes: Int { used.load(ordering: .relaxed) }
}
