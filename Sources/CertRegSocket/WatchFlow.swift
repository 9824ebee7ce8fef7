import Synchronization

/// The lines of one `watch` between the thread that sends them and the loop of its connection.
///
/// A loop that is busy must not find an unlimited number of lines: past `limit`, lines are counted in place of kept.
final class WatchFlow: Sendable {
  private static let limit = 128

  /// What precedes the other members of each line: `{` and, where the request has one, its `id`.
  let head: [UInt8]
  private let underWay = Atomic<Int>(0)
  private let missed = Atomic<Int>(0)

  /// - Parameter id: JSON text of the request's `id`; `nil` where it has none.
  init(id: [UInt8]?) {
    head = id.map { Array("{\"id\":".utf8) + $0 + Array(",".utf8) } ?? Array("{".utf8)
  }

  /// Counts a line as sent; `false`: it is missed, because the loop has not taken enough of the lines before.
  func enter() -> Bool {
    guard underWay.wrappingAdd(1, ordering: .relaxed).newValue > Self.limit else { return true }
    underWay.wrappingSubtract(1, ordering: .relaxed)
    miss(1)
    return false
  }

  /// The loop has taken a line.
  func leave() {
    underWay.wrappingSubtract(1, ordering: .relaxed)
  }

  func miss(_ count: Int) {
    missed.wrappingAdd(count, ordering: .relaxed)
  }

  /// How many lines were missed since the last call.
  func takeMissed() -> Int {
    missed.exchange(0, ordering: .relaxed)
  }
}
