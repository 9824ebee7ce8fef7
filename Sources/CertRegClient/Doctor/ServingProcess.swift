/// The process that answers on the socket, as far as the kernel vouches for it. What the process itself says does not
/// count.
enum ServingProcess: Hashable {
  /// Nothing accepts connections.
  case absent
  /// The installed certregd, run by `user`.
  case certregd(ProcessFacts, user: UInt32, group: UInt32)
  /// A process of another user, into which this user may not look.
  case hidden
  /// A process whose settings may not be used, with the reason.
  case unidentified(String)

  /// Finds out who listens.
  ///
  /// - Parameters:
  ///   - peer: The listening process; `nil` where there was no connection.
  ///   - process: Looks a process up.
  ///   - installed: The installed certregd.
  init(peer: PeerCredentials?, process: (Int32) -> ProcessFacts?, installed: InstalledProgram?) {
    guard let peer else {
      self = .absent
      return
    }
    guard let installed else {
      self = .unidentified("no certregd that may be run is installed next to certregctl or in PATH")
      return
    }
    guard let facts = process(peer.processID) else {
      self = .unidentified("process \(peer.processID), which opened the socket, is gone or hidden")
      return
    }
    // A process with several identities could hand its rights on, or have another user's number by now.
    guard facts.userIDs.count == 4, facts.userIDs.allSatisfy({ $0 == peer.userID }),
      facts.groupIDs.count == 4, facts.groupIDs.allSatisfy({ $0 == peer.groupID })
    else {
      self = .unidentified("process \(peer.processID) does not run as the user and group that opened the socket")
      return
    }
    // In packages this name is a link to certregd, which is then another program.
    if facts.executable == installed.identity, facts.name != "certreg-sandbox" {
      self = .certregd(facts, user: peer.userID, group: peer.groupID)
    } else if peer.processID == 1 {
      self = .unidentified("the socket is the service manager's: certregd takes it over when it starts")
    } else if facts.executable == nil {
      self = .hidden
    } else {
      self = .unidentified(
        "process \(peer.processID) does not run \(installed.path): it is another program, or certregd was replaced since "
          + "it started")
    }
  }
}
