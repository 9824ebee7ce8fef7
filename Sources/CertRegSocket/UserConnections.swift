import Synchronization

/// Counts the connections of each user, so that no user can take every connection. Thread-safe.
final class UserConnections: Sendable {
  let limit: Int
  /// Users without a connection have no entry.
  private let counts = Mutex<[UInt32: Int]>([:])

  init(limit: Int) {
    self.limit = limit
  }

  /// Counts a connection of `user`, or returns `false` where the user has `limit` connections.
  func enter(_ user: UInt32) -> Bool {
    counts.withLock { counts in
      let count = counts[user, default: 0]
      guard count < limit else { return false }
      counts[user] = count + 1
      return true
    }
  }

  /// A connection of `user` that was counted has ended.
  func leave(_ user: UInt32) {
    counts.withLock { counts in
      guard let count = counts[user] else { return }
      counts[user] = count > 1 ? count - 1 : nil
    }
  }
}
