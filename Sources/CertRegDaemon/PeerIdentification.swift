import CertRegHost
import CertRegSocket
import Synchronization

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

  /// The peer of the connected socket `descriptor`. Its unit is looked up at once, on a worker: by the time of a
  /// request the process may have ended. Where too many look-ups are waiting, this one takes place here, which slows
  /// down whoever connects.
  ///
  /// - Throws: `HostError` where `descriptor` is no connected socket.
  func peer(ofDescriptor descriptor: CInt) throws(HostError) -> Peer {
    let credentials = try PeerCredentials(descriptor: descriptor)
    let unit = UnitOfPeer(PeerProcess(peerOf: descriptor, credentials: credentials))
    if unit.known == nil {
      if held.enter() {
        workers.submit { [held] in
          unit.lookUp()
          held.leave()
        }
      } else {
        unit.lookUp()
      }
    }
    return Peer(
      uid: credentials.userID, gid: credentials.groupID, pid: credentials.processID,
      supplementaryGroups: credentials.supplementaryGroupIDs,
      findUnit: { mayWait in mayWait ? unit.lookUp() : unit.known })
  }
}
