import CertRegClock
import CertRegCore
import CertRegSocket
import Dispatch
import Glibc
import NIOPosix
import Testing

@testable import CertRegDaemon

/// When the unit of a peer is looked up. Peers are the ends of a socket pair, so that this process is the peer.
@Suite struct PeerIdentificationTests {
  /// Runs `body` with the descriptor of a connected socket. The only worker does nothing until `body` has ended.
  private func withConnection(_ body: (PeerIdentification, CInt) throws -> Void) async throws {
    let pool = NIOThreadPool(numberOfThreads: 1)
    pool.start()
    let end = DispatchSemaphore(value: 0)
    pool.submit { _ in end.wait() }
    let workers = WorkQueue(
      pool: pool, threads: 1, givingWay: GivingWay(demand: AnswerDemand(), clock: HostClock.system))
    var pair: [CInt] = [-1, -1]
    try #require(socketpair(AF_UNIX, CInt(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0, &pair) == 0)
    let result = Result { try body(PeerIdentification(workers: workers), pair[0]) }
    end.signal()
    try await pool.shutdownGracefully()
    for end in pair { close(end) }
    try result.get()
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

  @Test func `look-ups that no worker gets round to take place on the caller's thread`() async throws {
    try await withConnection { identification, descriptor in
      let peers = try (0..<40).map { _ in try identification.peer(ofDescriptor: descriptor, isUnitNeeded: true) }
      // No worker runs, so that the units that are known were looked up here.
      #expect(peers.prefix(32).allSatisfy { $0.knownUnit == nil })
      #expect(peers.dropFirst(32).allSatisfy { $0.knownUnit != nil })
    }
  }
}
