import CertRegHost
import CertRegSocket
import Synchronization

/// The systemd unit of a connection's peer. The process is held from `hold(_:)` until its unit is known.
final class UnitOfPeer: PeerUnitSource {
  private enum State {
    /// Nobody has asked for the unit. Leads to `held`, `postponed` or `known`.
    case connected
    /// Too many processes were held. The next request tries again. Leads to `held` or `known`.
    case postponed
    /// Leads to `known`.
    case held(PeerProcess)
    case known(Peer.Unit)
  }

  private let process: Int32
  private let identification: PeerIdentification
  private let state = Mutex(State.connected)

  /// - Parameter process: The number of the peer's process.
  init(process: Int32, identification: PeerIdentification) {
    self.process = process
    self.identification = identification
  }

  func hold(_ descriptor: CInt) {
    let isHeld = state.withLock { state in
      switch state {
      case .connected, .postponed: break
      case .held, .known: return false
      }
      guard identification.mayHold() else {
        // Where the kernel does not keep the process with the socket, a later look may find another one.
        state = PeerProcess.isKeptWithSocket ? .postponed : .known(Self.tooMany)
        return false
      }
      if let process = PeerProcess(peerOf: descriptor, number: process) {
        state = .held(process)
        return true
      }
      identification.heldNone()
      state = .known(.unknown("the process has ended or cannot be seen"))
      return false
    }
    if isHeld { identification.lookUpSoon(self) }
  }

  private static let tooMany = Peer.Unit.unknown("too many processes wait for the look-up of their unit")

  var known: Peer.Unit? {
    state.withLock { if case .known(let unit) = $0 { unit } else { nil } }
  }

  func lookUp() -> Peer.Unit {
    let process: PeerProcess
    switch state.withLock({ $0 }) {
    case .connected: return .unknown("it was not asked for while the process was known")
    case .postponed: return Self.tooMany
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
    case .unknown(let reason): self = .unknown(reason)
    }
  }
}
