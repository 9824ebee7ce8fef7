package import CertRegCore
package import CertRegProtocol
import Synchronization

/// Finds the systemd unit of a peer. Thread-safe.
package protocol PeerUnitSource: AnyObject, Sendable {
  /// The unit where it is known already; waits for nothing.
  var known: Peer.Unit? { get }

  /// Takes hold of the peer's process, so that its unit can be looked up from now on. Further calls have no effect.
  /// Called on event loops: it must not wait for anything.
  ///
  /// - Parameter descriptor: The peer's connected socket. It is open during the call only.
  func hold(_ descriptor: CInt)

  /// The unit; looks it up where it is not known yet. May wait for files: not for event loops.
  func lookUp() -> Peer.Unit
}

/// The client of a connection, from `SO_PEERCRED` (unix(7)).
package struct Peer: Sendable {
  /// Effective user.
  package var uid: UInt32
  /// Effective group.
  package var gid: UInt32
  /// 0 where the peer's process cannot be seen from here.
  package var pid: Int32
  /// The other groups.
  package var supplementaryGroups: [UInt32]
  private let unitSource: any PeerUnitSource

  /// The systemd unit that the peer runs in. May wait for files: not for event loops.
  package var unit: Unit { unitSource.lookUp() }

  /// The unit where it is known already; waits for nothing.
  package var knownUnit: Unit? { unitSource.known }

  /// Takes hold of the peer's process: see ``PeerUnitSource/hold(_:)``.
  package func hold(_ descriptor: CInt) { unitSource.hold(descriptor) }

  /// What is known of a peer's systemd unit.
  package enum Unit: Hashable, Sendable {
    case named(String)
    /// systemd does not manage the peer.
    case none
    /// The unit could not be told, for the reason given. A rule that depends on it cannot be decided.
    case unknown(String)

    /// The unit's name; `nil` where there is none or it is not known.
    package var name: String? {
      if case .named(let name) = self { name } else { nil }
    }
  }

  /// - Parameters:
  ///   - uid: The user.
  ///   - gid: The main group.
  ///   - pid: The process.
  ///   - supplementaryGroups: Its other groups.
  ///   - unit: Finds its unit.
  package init(
    uid: UInt32, gid: UInt32, pid: Int32, supplementaryGroups: [UInt32] = [], unit: any PeerUnitSource
  ) {
    self.uid = uid
    self.gid = gid
    self.pid = pid
    self.supplementaryGroups = supplementaryGroups
    unitSource = unit
  }
}

/// A request that is answered later, with copies of the parts of its line.
package struct OwnedRequest: Sendable {
  /// JSON text of `id`, exactly as it was written; `nil`: there is none.
  package var id: [UInt8]?
  /// The member `op`.
  package var operation: CertRegProtocol.Operation
  /// The unescaped text.
  package var certificatePem: [UInt8]?
  /// The member `certificateId`.
  package var certificateID: CertificateID?
  /// The member `status`; `nil`: the configured default.
  package var status: CertificateStatus?
  /// The member `target`.
  package var targets: Targets
  /// The member `ifExists`.
  package var ifExists: IfExists
  /// The member `deviceId`; `nil`: the request names no device.
  package var deviceID: DeviceID?
  /// The member `member`; `nil`: there is none.
  package var member: String?
  /// The member `provision`.
  package var profile = ProfileChoice.default
  /// The member `attributes`, each name once, in the order in which they were written.
  package var attributes: [NamedText] = []
  /// The member `refresh`.
  package var refresh: Bool
  /// The member `wait`.
  package var wait: Bool
  /// The member `timeoutMs`; `nil`: the configured default.
  package var timeoutMilliseconds: Int?
  /// The member `outcome` of a `watch`; `nil`: every outcome.
  package var watchOutcome: WatchOutcome?

  /// The targets that the request names.
  package enum Targets: Hashable, Sendable {
    case `default`
    case one(String)
    case many([String])
  }

  /// The profile that the request names.
  package enum ProfileChoice: Hashable, Sendable {
    /// The target's own.
    case `default`
    /// None: the certificate is only registered.
    case none
    case named(String)
  }
}

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

/// A result that may be answered, and for how long.
package struct KnownAnswer: Sendable {
  /// The result.
  package var entry: ResultTable.Entry
  /// The part of the ARN before the certificate's ID. `entry.arnPrefix` is the number that it has for the life of the
  /// process.
  package var arnPrefix: String
  /// The certificate's epoch, read before the result was.
  package var epoch: UInt32
  /// The result may be answered from `answerableFrom` to before `expiresAt`, in seconds since 1970.
  package var answerableFrom: UInt32
  /// See `answerableFrom`.
  package var expiresAt: UInt32
  /// The profile that was applied to the certificate; `nil`: none.
  package var provisioned: Provisioned?

  package init(
    entry: ResultTable.Entry, arnPrefix: String, epoch: UInt32, answerableFrom: UInt32, expiresAt: UInt32,
    provisioned: Provisioned? = nil
  ) {
    self.entry = entry
    self.arnPrefix = arnPrefix
    self.epoch = epoch
    self.answerableFrom = answerableFrom
    self.expiresAt = expiresAt
    self.provisioned = provisioned
  }
}

/// Answers the requests of the socket's connections.
package protocol RequestHandling: Sendable {
  /// The client of an accepted connection. Called once, on the connection's event loop: it must not wait for anything.
  ///
  /// - Throws: Any error where the kernel does not name the peer; the connection is then closed.
  func peer(ofDescriptor descriptor: CInt) throws -> Peer

  /// The known result for a `register` request whose text the loop does not remember. Called on event loops: it has to
  /// be quick.
  ///
  /// - Parameters:
  ///   - certificatePem: The unescaped text.
  ///   - target: The target's number in the result cache.
  ///   - now: The time at which the result is to be valid.
  func known(certificatePem: UnsafeRawBufferPointer, target: UInt16, now: WallTime) -> KnownAnswer?

  /// Takes a request that the loop cannot answer. Called on event loops: it must not wait for anything.
  ///
  /// - Parameters:
  ///   - request: The request.
  ///   - peer: Its sender.
  ///   - descriptor: The sender's socket, which is open during the call only.
  ///   - reply: Takes the answer, on any thread.
  func handle(_ request: OwnedRequest, from peer: Peer, on descriptor: CInt, reply: Reply)

  /// Whether the loop may answer a peer's repeats from memory, without `handle`. Called on event loops, for a
  /// connection again and again while the answer is `false`: it must not wait for anything.
  func servesFromMemory(_ peer: Peer) -> Bool
}
