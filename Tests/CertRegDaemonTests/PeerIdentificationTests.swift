import CertRegClock
import CertRegCore
import CertRegHost
import CertRegSocket
import Dispatch
import Glibc
import NIOPosix
import Testing

@testable import CertRegDaemon

/// When the unit of a peer is looked up. Peers are the ends of a socket pair, so that this process is the peer.
@Suite struct PeerIdentificationTests {
  /// Runs `body` with the descriptor of a connected socket. The only worker does nothing until `body` has ended, and all
  /// that there is to do before `after` begins, which gets the value of `body`.
  private func withConnection<Value>(
    mostHeld: Int = 32, _ body: (PeerIdentification, CInt) throws -> Value,
    after: (Value, CInt) throws -> Void = { _, _ in }
  ) async throws {
    let pool = NIOThreadPool(numberOfThreads: 1)
    pool.start()
    let end = DispatchSemaphore(value: 0)
    pool.submit { _ in end.wait() }
    let workers = WorkQueue(
      pool: pool, threads: 1, givingWay: GivingWay(demand: AnswerDemand(), clock: HostClock.system))
    var pair: [CInt] = [-1, -1]
    try #require(socketpair(AF_UNIX, CInt(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0, &pair) == 0)
    defer { for end in pair { close(end) } }
    let result = Result { try body(PeerIdentification(workers: workers, mostHeld: mostHeld), pair[0]) }
    end.signal()
    // A pool that shuts down drops what waits.
    await withCheckedContinuation { isIdle in workers.submit { isIdle.resume() } }
    try await pool.shutdownGracefully()
    try after(try result.get(), pair[0])
  }

  private static let notAskedFor = Peer.Unit.unknown("it was not asked for while the process was known")

  @Test func `accepting looks up no unit that nobody needs`() async throws {
    try await withConnection { identification, descriptor in
      let peer = try identification.peer(ofDescriptor: descriptor, isUnitNeeded: false)
      #expect(peer.knownUnit == nil)
      #expect(peer.unit == Self.notAskedFor)
    }
  }

  @Test func `a unit that is needed later can be looked up as long as the socket is open`() async throws {
    try await withConnection { identification, descriptor in
      let later = try identification.peer(ofDescriptor: descriptor, isUnitNeeded: false)
      later.hold(descriptor)
      let atOnce = try identification.peer(ofDescriptor: descriptor, isUnitNeeded: true)
      #expect(atOnce.unit != Self.notAskedFor)
      #expect(later.unit == atOnce.unit)
      #expect(later.knownUnit == atOnce.unit)
    }
  }

  @Test func `a process that cannot be held has no unit, whatever comes later`() async throws {
    try await withConnection { identification, descriptor in
      let peer = try identification.peer(ofDescriptor: descriptor, isUnitNeeded: false)
      peer.hold(-1)
      peer.hold(descriptor)
      #expect(peer.unit == .unknown("the process has ended or cannot be seen"))
    }
  }

  @Test func `look-ups wait for a worker, however many there are`() async throws {
    try await withConnection(mostHeld: 40) { identification, descriptor in
      let peers = try (0..<40).map { _ in try identification.peer(ofDescriptor: descriptor, isUnitNeeded: true) }
      // No worker runs: a unit that is known would have been looked up here, on an event loop in the daemon.
      #expect(peers.allSatisfy { $0.knownUnit == nil })
      return peers
    } after: { peers, _ in
      #expect(peers.allSatisfy { $0.knownUnit != nil && $0.knownUnit == peers[0].knownUnit })
    }
  }

  @Test(.enabled(if: PeerProcess.isKeptWithSocket))
  func `a process that is one too many is held later`() async throws {
    try await withConnection(mostHeld: 1) { identification, descriptor in
      let first = try identification.peer(ofDescriptor: descriptor, isUnitNeeded: true)
      let second = try identification.peer(ofDescriptor: descriptor, isUnitNeeded: true)
      #expect(first.knownUnit == nil && second.knownUnit == nil)
      #expect(second.unit == .unknown("too many processes wait for the look-up of their unit"))
      return (first, second)
    } after: { peers, descriptor in
      #expect(peers.0.knownUnit != nil && peers.1.knownUnit == nil)
      peers.1.hold(descriptor)
      #expect(peers.1.unit == peers.0.unit)
    }
  }
}
