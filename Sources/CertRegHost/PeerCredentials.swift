import CSystemd
import Glibc
import Synchronization

/// Who is at the other end of a Unix socket, by the kernel's word (unix(7)): as it was when the peer called connect(2).
package struct PeerCredentials: Hashable, Sendable {
  /// Effective user. The kernel's overflow id (65534) where the user is not mapped into this process's user namespace.
  package var userID: UInt32
  /// Effective group.
  package var groupID: UInt32
  /// 0 where the peer is in a process namespace that cannot be seen from here.
  package var processID: Int32
  /// Supplementary groups, in the kernel's order; empty if the kernel does not tell (before Linux 4.13).
  package var supplementaryGroupIDs: [UInt32]

  package init(userID: UInt32, groupID: UInt32, processID: Int32, supplementaryGroupIDs: [UInt32] = []) {
    self.userID = userID
    self.groupID = groupID
    self.processID = processID
    self.supplementaryGroupIDs = supplementaryGroupIDs
  }

  /// Whether the peer is in `group`, by its effective group or one of the supplementary ones.
  package func isMember(ofGroup group: UInt32) -> Bool {
    groupID == group || supplementaryGroupIDs.contains(group)
  }
}

extension PeerCredentials {
  /// Asks the kernel about the connected socket `descriptor` (`SO_PEERCRED`, `SO_PEERGROUPS`).
  ///
  /// - Throws: ``HostError`` if the descriptor is not a connected Unix socket.
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
      supplementaryGroupIDs: Self.supplementaryGroups(of: descriptor))
  }

  private static func supplementaryGroups(of descriptor: Int32) -> [UInt32] {
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
      guard errno == ERANGE, length > room else { return [] }
      groups = [UInt32](repeating: 0, count: Int(length) / MemoryLayout<UInt32>.size)
    }
  }
}

/// The systemd unit that a peer belongs to.
package enum PeerUnit: Hashable, Sendable {
  /// The system unit, such as `nginx.service`.
  case unit(String)
  /// The peer is in no unit: systemd does not manage it.
  case none
  /// It could not be told: the peer has ended, or neither /proc nor the control groups show it. Grants nothing.
  case unknown(String)

  /// Looks up the unit of the peer of the connected socket `descriptor`, whose credentials are `peer`.
  ///
  /// Reads files of /proc or of the control groups: ask only where the answer is needed. A process ID can be given to another
  /// process once its owner has ended; where the kernel offers `SO_PEERPIDFD` (Linux 6.5) a peer that has ended is
  /// `unknown`.
  package static func lookUp(descriptor: Int32, peer: PeerCredentials) -> PeerUnit {
    guard peer.processID > 0 else { return .unknown("the peer's process cannot be seen from here") }
    let handle = processHandle(of: descriptor)
    defer { if let handle { close(handle) } }
    let unit = lookUp(process: peer.processID)
    if let handle, hasEnded(handle) { return .unknown("the peer has ended") }
    return unit
  }

  /// Looks up the unit of a process by its number, for records. Callers that rely on it must know that the process has not
  /// ended.
  package static func lookUp(process: Int32) -> PeerUnit {
    var name: UnsafeMutablePointer<CChar>?
    let result = sd_pid_get_unit(process, &name)
    defer { free(name) }
    switch result {
    case 0...: return name.map { .unit(String(cString: $0)) } ?? .none
    case -ENODATA: return .none
    default:
      // kill(2) with signal 0 tells whether there is such a process, also where its entry in /proc is hidden.
      guard kill(process, 0) == 0 || errno == EPERM else { return .unknown("the peer has ended") }
      return controlGroups.withLock { $0.unit(of: process) }.map { .unit($0) } ?? .unknown(systemMessage(-result))
    }
  }

  /// What was found before makes the next look-up cheap.
  private static let controlGroups = Mutex(ControlGroups())

  /// A pidfd of the peer, which stays with the process whatever becomes of its number; `nil` before Linux 6.5.
  private static func processHandle(of descriptor: Int32) -> Int32? {
    let peerProcessHandleOption: Int32 = 77  // SO_PEERPIDFD of asm-generic/socket.h
    var handle: Int32 = -1
    var length = socklen_t(MemoryLayout<Int32>.size)
    let result = getsockopt(descriptor, SOL_SOCKET, peerProcessHandleOption, &handle, &length)
    return result == 0 && handle >= 0 ? handle : nil
  }

  /// A pidfd becomes readable when its process ends (pidfd_open(2)).
  private static func hasEnded(_ handle: Int32) -> Bool {
    var entry = pollfd(fd: handle, events: Int16(POLLIN), revents: 0)
    return poll(&entry, 1, 0) > 0
  }
}
