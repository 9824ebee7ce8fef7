import CertRegHost
import CertRegSocket

/// Finds the user, process and unit of an accepted connection's peer.
final class PeerIdentification: Sendable {
  private let workers: WorkQueue
  /// Processes held until a worker has looked up their units.
  private let held: ConnectionCount

  /// - Parameter mostHeld: The most processes that are held at once. Each takes a descriptor.
  init(workers: WorkQueue, mostHeld: Int) {
    self.workers = workers
    held = ConnectionCount(limit: mostHeld)
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

  /// Whether one more process may be held. ``lookUpSoon(_:)`` or ``heldNone()`` has to follow.
  func mayHold() -> Bool { held.enter() }

  /// The process cannot be held.
  func heldNone() { held.leave() }

  /// Has a worker look up a unit whose process is held.
  func lookUpSoon(_ unit: UnitOfPeer) {
    workers.submit { [held] in
      _ = unit.lookUp()
      held.leave()
    }
  }
}
