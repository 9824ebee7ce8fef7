import Synchronization

/// Connections of all loops, with their limit.
final class ConnectionCount: Sendable {
  let limit: Int
  private let open = Atomic<Int>(0)

  init(limit: Int) {
    self.limit = limit
  }

  /// Counts one more, or returns `false` where there are as many as are allowed.
  func enter() -> Bool {
    guard open.wrappingAdd(1, ordering: .relaxed).newValue > limit else { return true }
    leave()
    return false
  }

  func leave() {
    open.wrappingSubtract(1, ordering: .relaxed)
  }
}
