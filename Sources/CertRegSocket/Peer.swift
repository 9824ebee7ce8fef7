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
