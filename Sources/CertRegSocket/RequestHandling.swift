package import CertRegCore
package import CertRegProtocol
import Synchronization

/// Who is at the other end of a connection, from `SO_PEERCRED` (unix(7)).
package struct Peer: Sendable {
  package var uid: UInt32
  package var gid: UInt32
  package var pid: Int32
  package var supplementaryGroups: [UInt32]
  /// Tells the systemd unit that it runs in, where that can be told. May read files: not on an event loop.
  package var findUnit: @Sendable () -> String?

  package init(
    uid: UInt32, gid: UInt32, pid: Int32, supplementaryGroups: [UInt32] = [],
    findUnit: @escaping @Sendable () -> String? = { nil }
  ) {
    self.uid = uid
    self.gid = gid
    self.pid = pid
    self.supplementaryGroups = supplementaryGroups
    self.findUnit = findUnit
  }
}

/// A request that is answered later, with copies of what it needs from its line.
package struct OwnedRequest: Sendable {
  /// JSON text of `id`, exactly as it was written; `nil`: there is none.
  package var id: [UInt8]?
  package var operation: CertRegProtocol.Operation
  /// The unescaped text.
  package var certificatePem: [UInt8]?
  package var certificateID: CertificateID?
  package var status: CertificateStatus?
  package var targets: Targets
  package var ifExists: IfExists
  package var refresh: Bool
  package var wait: Bool
  package var timeoutMilliseconds: Int?
  package var watchOutcome: WatchOutcome?

  /// The targets that the request names.
  package enum Targets: Hashable, Sendable {
    case `default`
    case one(String)
    case many([String])
  }
}

/// Where the answer to one request goes. Thread-safe; the first answer counts.
package struct Reply: Sendable {
  private let connection: ConnectionLife
  private let deliver: @Sendable (_ answer: [UInt8], _ isLast: Bool) -> Void

  init(
    connection: ConnectionLife, deliver: @escaping @Sendable (_ answer: [UInt8], _ isLast: Bool) -> Void
  ) {
    self.connection = connection
    self.deliver = deliver
  }

  /// A reply of a connection that has no socket, for tests.
  ///
  /// - Parameter deliver: Takes each line, and whether it is the last one.
  package init(
    connectionID: UInt64, deliver: @escaping @Sendable (_ answer: [UInt8], _ isLast: Bool) -> Void
  ) {
    self.init(connection: ConnectionLife(id: connectionID), deliver: deliver)
  }

  /// Tells the connections of this process apart.
  package var connectionID: UInt64 { connection.id }

  /// Whether anybody can still get what is sent.
  package var isWanted: Bool { !connection.isOver }

  /// Sends the answer: one line with its LF.
  package func send(_ answer: [UInt8]) {
    deliver(answer, true)
  }

  /// Sends a line of an operation that goes on (`watch`).
  package func sendPart(_ line: [UInt8]) {
    deliver(line, false)
  }
}

/// Whether a connection has ended, for those who hold on to it from other threads.
final class ConnectionLife: Sendable {
  /// Tells the connections of this process apart.
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

/// A result that may be answered, and for how long.
package struct KnownAnswer: Sendable {
  package var entry: ResultTable.Entry
  package var arnPrefix: String
  /// The certificate's epoch, read before the result was.
  package var epoch: UInt32
  /// Seconds since 1970 from which on, and before which, it may be answered.
  package var answerableFrom: UInt32
  package var expiresAt: UInt32

  package init(
    entry: ResultTable.Entry, arnPrefix: String, epoch: UInt32, answerableFrom: UInt32, expiresAt: UInt32
  ) {
    self.entry = entry
    self.arnPrefix = arnPrefix
    self.epoch = epoch
    self.answerableFrom = answerableFrom
    self.expiresAt = expiresAt
  }
}

/// What stands behind the socket.
package protocol RequestHandling: Sendable {
  /// Who is at the other end of an accepted connection. Called once, on the connection's event loop.
  func peer(ofDescriptor descriptor: CInt) throws -> Peer

  /// Answers from memory, for a `register` request whose text the loop does not remember. Called on an event loop with the
  /// unescaped text; has to be quick. `target` is the target's number in the result cache.
  func known(certificatePem: UnsafeRawBufferPointer, target: UInt16, now: WallTime) -> KnownAnswer?

  /// Takes a request of which the answer is not at hand. Returns quickly; `reply` may be used on any thread.
  func handle(_ request: OwnedRequest, from peer: Peer, reply: Reply)

  /// Whether a peer's repeats may be answered from memory, without asking `handle`: not where access rules have to be looked at.
  func servesFromMemory(_ peer: Peer) -> Bool
}
