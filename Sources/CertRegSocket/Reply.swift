import Synchronization

/// Where the answer to one request goes. Thread-safe; the first answer counts.
package struct Reply: Sendable {
  private let connection: ConnectionLife
  /// `nil`: the request has one answer.
  private let watch: WatchFlow?
  private let deliver: @Sendable (_ answer: [UInt8], _ isLast: Bool) -> Void

  init(
    connection: ConnectionLife, watch: WatchFlow? = nil,
    deliver: @escaping @Sendable (_ answer: [UInt8], _ isLast: Bool) -> Void
  ) {
    self.connection = connection
    self.watch = watch
    self.deliver = deliver
  }

  /// A reply of a connection that has no socket, for tests.
  ///
  /// - Parameters:
  ///   - connectionID: Tells connections apart.
  ///   - deliver: Takes each line, and whether it is the last one.
  package init(
    connectionID: UInt64, deliver: @escaping @Sendable (_ answer: [UInt8], _ isLast: Bool) -> Void
  ) {
    self.init(connection: ConnectionLife(id: connectionID), deliver: deliver)
  }

  /// The connection's number, unique in this process.
  package var connectionID: UInt64 { connection.id }

  /// Whether the client can still be answered.
  package var isWanted: Bool { !connection.isOver }

  /// Sends the answer: one line with its LF.
  package func send(_ answer: [UInt8]) {
    deliver(answer, true)
  }

  /// Sends a line of a `watch`. The connection adds the `id` of the request, so that all watches can share one text.
  ///
  /// - Parameter line: A JSON object with at least one member and without `id`, and its LF.
  package func sendPart(_ line: [UInt8]) {
    guard let watch, watch.enter() else { return }
    deliver(line, false)
  }

  /// Tells a `watch` that `count` lines could not be made for it.
  package func miss(_ count: Int) {
    watch?.miss(count)
  }
}

/// Tells other threads whether a connection has ended.
final class ConnectionLife: Sendable {
  /// The connection's number, unique in this process.
  let id: UInt64
  private let over = Atomic<Bool>(false)

  init(id: UInt64) {
    self.id = id
  }

  var isOver: Bool { over.load(ordering: .relaxed) }

  func end() {
    over.store(true, ordering: .relaxed)
  }
}
