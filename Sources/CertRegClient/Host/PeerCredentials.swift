import Glibc

/// The process that listens on a socket, as the kernel tells it (`SO_PEERCRED` of unix(7)). Nothing that the process
/// sends can change it.
package struct PeerCredentials: Hashable, Sendable {
  /// `0` for a process of another PID namespace.
  package var processID: Int32
  /// The effective user ID at the time of listen(2).
  package var userID: UInt32
  /// The effective group ID at the time of listen(2).
  package var groupID: UInt32

  package init(processID: Int32, userID: UInt32, groupID: UInt32) {
    self.processID = processID
    self.userID = userID
    self.groupID = groupID
  }

  /// Asks the kernel about a connected socket; `nil` where it does not tell.
  init?(descriptor: Int32) {
    // struct ucred of unix(7): pid_t, uid_t, gid_t, each of four bytes.
    var credentials: (process: Int32, user: UInt32, group: UInt32) = (0, 0, 0)
    let expected = socklen_t(MemoryLayout.size(ofValue: credentials))
    var length = expected
    guard getsockopt(descriptor, SOL_SOCKET, SO_PEERCRED, &credentials, &length) == 0, length == expected else {
      return nil
    }
    self.init(processID: credentials.process, userID: credentials.user, groupID: credentials.group)
  }
}
