import CertRegHost
import Synchronization

/// The systemd unit of a connection's peer, looked up once, when somebody wants to know.
final class UnitOfPeer: Sendable {
  private let process: Int32
  private let found = Mutex<PeerUnit?>(nil)

  init(process: Int32) {
    self.process = process
  }

  /// Takes what was looked up by other means.
  func set(_ unit: PeerUnit) {
    found.withLock { $0 = unit }
  }

  /// `nil` where it is in none, or it could not be told.
  var name: String? {
    let unit = found.withLock { found in
      let unit = found ?? (process > 0 ? PeerUnit.lookUp(process: process) : .none)
      found = unit
      return unit
    }
    if case .unit(let name) = unit { return name }
    return nil
  }
}
