import CertRegCore
import Synchronization

/// Counts the answers that are not given on the socket's loops, which count their own.
final class RequestCounts: Sendable {
  struct Key: Hashable, Sendable {
    var operation: RequestOperation
    /// `ok`, or of a registration `created`, `existing`, `cached`, `queued`; `error`; `other` past the limit.
    var outcome: String
    /// Of an error, else empty.
    var reason = ""
  }

  /// More kinds are counted together: a reason that grows without end would be a mistake of ours, and must not take the
  /// memory with it.
  private static let limit = 512
  private static let others = "other"

  private let counts = Mutex<[Key: Int]>([:])

  func count(_ operation: RequestOperation, _ outcome: String) {
    add(Key(operation: operation, outcome: outcome))
  }

  func count(_ operation: RequestOperation, _ error: ServiceError) {
    add(Key(operation: operation, outcome: "error", reason: error.reason.rawValue))
  }

  private func add(_ key: Key) {
    counts.withLock { counts in
      if counts[key] == nil, counts.count >= Self.limit {
        counts[Key(operation: key.operation, outcome: Self.others), default: 0] += 1
      } else {
        counts[key, default: 0] += 1
      }
    }
  }

  var all: [Key: Int] { counts.withLock { $0 } }
}
