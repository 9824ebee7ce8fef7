import CertRegHost
import CertRegSocket

/// Finds the user, process and unit of an accepted connection's peer.
final class PeerIdentification: Sendable {
  /// Processes held until a worker has looked up their units. The process has few descriptors to spare beside its
  /// connections'.
  private static let mostHeld = 32

  private let workers: WorkQueue
  private let held = ConnectionCount(limit: mostHeld)

  init(workers: WorkQueue) {
    self.workers = workers
  }

  /// The peer of the connected socket `descriptor`, whose connection was accepted just now.
  ///
  /// The unit is looked up later, when `Peer.hold(_:)` is called: the look-up takes ten times as long as the rest, and
  /// few connections need it. It takes place here where the kernel does not keep the peer's process with the socket.
  ///
  /// - Parameter isUnitNeeded: Whether the unit is looked up at once.
  /// - Throws: `HostError` where `descriptor` is no connected socket.
  func peer(ofDescriptor descriptor: CInt, isUnitNeeded: Bool) throws(HostError) -> Peer {
    let credentials = try PeerCredentials(descriptor: descriptor)
    let peer = Peer(
      uid: credentials.userID, gid: credentials.groupID, pid: credentials.processID,
      supplementaryGroups: credentials.supplementaryGroupIDs,
      unit: UnitOfPeer(process: credentials.processID, identification: self))
    if isUnitNeeded || !PeerProcess.isKeptWithSocket { peer.hold(descriptor) }
    return peer
  }

  /// Has a worker look up a unit whose process is held. Where too many look-ups are waiting, this one takes place here,
  /// which slows down the clients that cause them.
  func lookUpSoon(_ unit: UnitOfPeer) {
    guard held.enter() else {
      _ = unit.lookUp()
      return
    }
    workers.submit { [held] in
      _ = unit.lookUp()
      held.leave()
    }
  }
}
