import CertRegClock
import CertRegCore
import CertRegProtocol
import CertRegTesting
import Glibc
import NIOCore
import NIOPosix
import Synchronization

@testable import CertRegSocket

/// A peer that systemd does not manage.
private final class UnitlessPeer: PeerUnitSource {
  let known: Peer.Unit? = Peer.Unit.none
  func hold(_ descriptor: CInt) {}
  func lookUp() -> Peer.Unit { .none }
}

/// Keeps requests until the test answers them, by the number in their `id`.
final class ScriptedHandler: RequestHandling {
  private struct State: Sendable {
    var replies: [Int: Reply] = [:]
    var requests: [OwnedRequest] = []
    var known: KnownAnswer?
    var endless: [Reply] = []
    var taken = 0
    var mostUnanswered = 0
    var answersAtOnce = false
  }

  private let state = Mutex(State())

  var answersAtOnce: Bool {
    get { state.withLock { $0.answersAtOnce } }
    set { state.withLock { $0.answersAtOnce = newValue } }
  }

  var mostUnanswered: Int { state.withLock { $0.mostUnanswered } }

  /// The result of every certificate.
  var known: KnownAnswer? {
    get { state.withLock { $0.known } }
    set { state.withLock { $0.known = newValue } }
  }

  /// The requests that the loops have handed on, in their order.
  var requests: [OwnedRequest] { state.withLock { $0.requests } }

  func peer(ofDescriptor descriptor: CInt) -> Peer? { Peer(uid: 1, gid: 1, pid: 1, unit: UnitlessPeer()) }
  func known(certificatePem: UnsafeRawBufferPointer, target: UInt16, now: WallTime) -> KnownAnswer? { known }
  func servesFromMemory(_ peer: Peer) -> Bool { true }

  func handle(_ request: OwnedRequest, from peer: Peer, on descriptor: CInt, reply: Reply) {
    let id = request.id.flatMap { Int(String(decoding: $0, as: UTF8.self)) } ?? 0
    let answersNow = state.withLock { state in
      state.taken += 1
      state.requests.append(request)
      if request.operation == .watch { state.endless.append(reply) } else { state.replies[id] = reply }
      state.mostUnanswered = max(state.mostUnanswered, state.replies.count)
      return state.answersAtOnce
    }
    if answersNow { answer(id) }
  }

  /// Sends a line to every `watch`.
  func sendPart(_ text: String) {
    for reply in state.withLock({ $0.endless }) { reply.sendPart(Array(text.utf8)) }
  }

  /// `padding`: the number of spaces in the answer.
  func answer(_ id: Int, padding: Int = 0) {
    let text = "{\"id\":\(id),\"n\":\(id)\(String(repeating: " ", count: padding))}\n"
    state.withLock { $0.replies.removeValue(forKey: id) }?.send(Array(text.utf8))
  }

  /// Waits until this number of requests has arrived in all.
  func awaitRequests(_ count: Int) {
    yieldUntil { state.withLock { $0.taken >= count } }
  }

  /// Waits until the server has noticed that the readers of all endless operations have disconnected.
  func awaitUnwanted() {
    yieldUntil { state.withLock { state in state.endless.allSatisfy { !$0.isWanted } } }
  }
}

/// Yields the processor until `condition` holds. The test's time limit ends an endless wait.
func yieldUntil(_ condition: () -> Bool) {
  while !condition() { sched_yield() }
}

/// A server on two sockets in the temporary directory.
final class TestServer: Sendable {
  let server: SocketServer
  let path: String
  let clock = ManualClock()
  /// The other socket.
  var otherPath: String { path + "-2" }

  init(_ configuration: SocketConfiguration, loops: Int, handler: ScriptedHandler) async throws {
    var name = Array("\(Self.temporaryDirectory)/certregd-XXXXXX".utf8CString)
    guard mkdtemp(&name) != nil else { throw SystemCallError("mkdtemp") }
    path = String(decoding: name.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self) + "/socket"
    let listeners = try [path, path + "-2"].map { path in
      let listener = socket(AF_UNIX, CInt(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
      guard listener >= 0, withAddress(path, { bind(listener, $0, $1) }) == 0, listen(listener, 16) == 0 else {
        throw SystemCallError("listen")
      }
      return listener
    }
    server = try SocketServer(loops: loops)
    try await server.serve(
      listeners, handling: handler, cache: ResultCache(maxEntries: 10), demand: AnswerDemand(),
      clock: clock.clock,
      configuration: configuration)
  }

  func awaitConnections(_ count: Int) {
    awaitCounters { $0.connectionsOpen == count }
  }

  func awaitCounters(_ condition: (LoopCounters) -> Bool) {
    let eventLoop = MultiThreadedEventLoopGroup.singleton.next()
    yieldUntil { (try? server.counters(on: eventLoop).wait()).map(condition) ?? false }
  }

  /// Moves the clock, and returns once every loop has done what is due then.
  func advance(by duration: Duration) {
    clock.advance(by: duration)
    // What is due is done at the end of a turn.
    for _ in 0..<2 { Hold(server).end() }
  }

  /// Gives new limits to all connections, and returns once they hold.
  func reconfigure(_ configuration: SocketConfiguration) {
    let isDone = Flag()
    Task {
      await server.reconfigure(configuration)
      isDone.isSet.store(true, ordering: .releasing)
    }
    yieldUntil { isDone.isSet.load(ordering: .acquiring) }
  }

  private final class Flag: Sendable {
    let isSet = Atomic(false)
  }

  func stop() async {
    server.closeAll()
    await server.shutDown()
    unlink(path)
    unlink(otherPath)
    rmdir(String(path.dropLast("/socket".utf8.count)))
  }

  private static var temporaryDirectory: String { getenv("TMPDIR").map { String(cString: $0) } ?? "/tmp" }
}

/// Runs `body` with a server, on a thread of its own that may block. The threads that tests share must not block.
func withServer<Value: Sendable>(
  _ configuration: SocketConfiguration = SocketConfiguration(), handler: ScriptedHandler = ScriptedHandler(),
  _ body: @escaping @Sendable (TestServer, ScriptedHandler) throws -> Value
) async throws -> Value {
  let server = try await TestServer(configuration, loops: 2, handler: handler)
  let result = await Result { try await NIOThreadPool.singleton.runIfActive { try body(server, handler) } }
  await server.stop()
  return try result.get()
}

extension Result where Failure == any Error {
  fileprivate init(_ body: () async throws -> Success) async {
    do { self = .success(try await body()) } catch { self = .failure(error) }
  }
}

/// Blocks all loops of a server.
final class Hold: Sendable {
  private let held = Atomic<Int>(0)
  private let isOver = Atomic<Bool>(false)
  private let loopCount: Int

  /// `waits`: whether to wait until all loops are blocked.
  init(_ server: SocketServer, waits: Bool = true) {
    loopCount = server.loopCount
    for loop in 0..<loopCount {
      server.onLoop(loop) {
        self.held.add(1, ordering: .releasing)
        yieldUntil { self.isOver.load(ordering: .acquiring) }
      }
    }
    if waits { begin() }
  }

  /// Waits until all loops are blocked.
  func begin() { yieldUntil { held.load(ordering: .acquiring) == loopCount } }

  func end() { isOver.store(true, ordering: .releasing) }
}

/// A blocking client.
final class TestClient: Sendable {
  private let descriptor: CInt
  private let unread = Mutex<[UInt8]>([])

  init(_ path: String) throws {
    descriptor = socket(AF_UNIX, CInt(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
    guard withAddress(path, { connect(descriptor, $0, $1) }) == 0 else { throw SystemCallError("connect") }
  }

  func write(_ text: String) { write(Array(text.utf8)[...]) }

  func write(_ bytes: ArraySlice<UInt8>) {
    var rest = bytes
    while !rest.isEmpty {
      let count = rest.withUnsafeBytes { send(descriptor, $0.baseAddress, $0.count, CInt(MSG_NOSIGNAL)) }
      guard count > 0 else { return }
      rest = rest.dropFirst(count)
    }
  }

  /// Writes until the server stops reading. One blank a millisecond: they must not add up to a line that is
  /// too long.
  func writeFails() -> Bool {
    var blank = UInt8(ascii: " ")
    while send(descriptor, &blank, 1, CInt(MSG_NOSIGNAL)) == 1 { poll(nil, 0, 1) }
    return errno == EPIPE
  }

  func read(lines count: Int) -> String {
    unread.withLock { unread in
      while unread.count(where: { $0 == 0x0a }) < count, fill(&unread) {}
      var left = count
      let end = unread.firstIndex { byte in
        if byte == 0x0a { left -= 1 }
        return left == 0
      }
      let length = end.map { $0 + 1 } ?? unread.count
      defer { unread.removeFirst(length) }
      return String(decoding: unread.prefix(length), as: UTF8.self)
    }
  }

  /// Reads bytes that have arrived, without waiting for more.
  func take(atMost limit: Int = .max) {
    unread.withLock { unread in
      var left = limit
      var piece = [UInt8](repeating: 0, count: 65536)
      while left > 0 {
        let count = recv(descriptor, &piece, min(left, piece.count), CInt(MSG_DONTWAIT))
        guard count > 0 else { return }
        unread += piece.prefix(count)
        left -= count
      }
    }
  }

  func readToEnd() -> String {
    unread.withLock { unread in
      while fill(&unread) {}
      return String(decoding: unread, as: UTF8.self)
    }
  }

  private func fill(_ unread: inout [UInt8]) -> Bool {
    var piece = [UInt8](repeating: 0, count: 65536)
    let count = Glibc.read(descriptor, &piece, piece.count)
    guard count > 0 else { return false }
    unread += piece.prefix(count)
    return true
  }

  /// Waits until the server has taken all bytes that were written. What it does with them is done with its turn.
  func awaitTaken() {
    var left: CInt = 1
    yieldUntil { ioctl(descriptor, UInt(TIOCOUTQ), &left) == 0 && left == 0 }
  }

  func endInput() { shutdown(descriptor, CInt(SHUT_WR)) }
  func close() { Glibc.close(descriptor) }
}

private func withAddress<Result>(_ path: String, _ body: (UnsafePointer<sockaddr>, socklen_t) -> Result) -> Result {
  var address = sockaddr_un()
  address.sun_family = sa_family_t(AF_UNIX)
  withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: Array(path.utf8).prefix($0.count - 1)) }
  return withUnsafePointer(to: &address) {
    $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { body($0, socklen_t(MemoryLayout<sockaddr_un>.size)) }
  }
}
