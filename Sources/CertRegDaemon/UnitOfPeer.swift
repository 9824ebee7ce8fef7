import CertRegHost
import CertRegSocket
import Synchronization

/// The systemd unit of a connection's peer. The process is held from the moment of accepting until its unit is known.
final class UnitOfPeer: Sendable {
  private enum State {
    case held(PeerProcess)
    case known(Peer.Unit)
  }

  private let state: Mutex<State>

  /// - Parameter process: `nil` if the peer's process could not be held, so that its unit is not known.
  init(_ process: PeerProcess?) {
    state = Mutex(process.map { .held($0) } ?? .known(.unknown))
  }

  /// The unit where it is known already.
  var known: Peer.Unit? {
    state.withLock { if case .known(let unit) = $0 { unit } else { nil } }
  }

  /// The unit; looks it up where it is not known yet. Reads files.
  @discardableResult
  func lookUp() -> Peer.Unit {
    let process: PeerProcess
    switch state.withLock({ $0 }) {
    case .known(let unit): return unit
    case .held(let held): process = held
    }
    // Not under the lock, which event loops take. Two threads that look at the same time find the same.
    let unit = Peer.Unit(process.unit())
    state.withLock { $0 = .known(unit) }
    return unit
  }
}

extension Peer.Unit {
  fileprivate init(_ unit: PeerUnit) {
    switch unit {
    case .unit(let name): self = .named(name)
    case .none: self = .none
    case .unknown: self = .unknown
    }
  }
}
