import Glibc

/// The peer of a Unix socket as the kernel knows it (`SO_PEERCRED` of unix(7)): as it was when the peer called
/// connect(2).
package struct PeerCredentials: Hashable, Sendable {
  /// Effective user. The kernel's overflow id (65534) where the user is not mapped into this process's user namespace.
  package var userID: UInt32
  /// Effective group.
  package var groupID: UInt32
  /// 0 where the peer is in a process namespace that this process cannot see.
  package var processID: Int32
  /// Supplementary groups, in the kernel's order.
  package var supplementaryGroupIDs: [UInt32]

  package init(userID: UInt32, groupID: UInt32, processID: Int32, supplementaryGroupIDs: [UInt32] = []) {
    self.userID = userID
    self.groupID = groupID
    self.processID = processID
    self.supplementaryGroupIDs = supplementaryGroupIDs
  }
}

extension PeerCredentials {
  /// Asks the kernel about the connected socket `descriptor` (`SO_PEERCRED`, `SO_PEERGROUPS`).
  ///
  /// - Throws: ``HostError`` if the descriptor is not a connected Unix socket, or the kernel does not tell the groups:
  ///   a rule for one of them would be passed over.
  package init(descriptor: Int32) throws(HostError) {
    // struct ucred of unix(7): pid_t, uid_t, gid_t, each of four bytes.
    var credentials: (process: Int32, user: UInt32, group: UInt32) = (0, 0, 0)
    let expected = socklen_t(MemoryLayout.size(ofValue: credentials))
    var length = expected
    guard getsockopt(descriptor, SOL_SOCKET, SO_PEERCRED, &credentials, &length) == 0, length == expected else {
      throw HostError(errno: errno, call: "getsockopt(SO_PEERCRED)", subject: "descriptor \(descriptor)")
    }
    self.init(
      userID: credentials.user, groupID: credentials.group, processID: credentials.process,
      supplementaryGroupIDs: try Self.supplementaryGroups(of: descriptor))
  }

  private static func supplementaryGroups(of descriptor: Int32) throws(HostError) -> [UInt32] {
    // asm-generic/socket.h; glibc's headers have had it only since 2.27.
    let peerGroupsOption: Int32 = 59
    var groups = [UInt32](repeating: 0, count: 32)
    while true {
      let room = socklen_t(groups.count * MemoryLayout<UInt32>.size)
      var length = room
      if getsockopt(descriptor, SOL_SOCKET, peerGroupsOption, &groups, &length) == 0 {
        return Array(groups.prefix(Int(length) / MemoryLayout<UInt32>.size))
      }
      // ERANGE comes with the length that is needed (net/core/sock.c, sk_getsockopt).
      guard errno == ERANGE, length > room else {
        throw HostError(errno: errno, call: "getsockopt(SO_PEERGROUPS)", subject: "descriptor \(descriptor)")
      }
      groups = [UInt32](repeating: 0, count: Int(length) / MemoryLayout<UInt32>.size)
    }
  }
}
