import CSystemd
import Glibc

/// A Unix stream socket that the daemon opened itself, for when no service manager passes one.
///
/// Other processes cannot interfere while it is opened:
/// - A lock beside the path is held as long as the socket. Two daemons that start at once cannot both find it unused.
/// - Files, symbolic links and everything else that is not a socket are left alone. A socket is replaced only if
///   connect(2) fails with `ECONNREFUSED`, the only answer that proves that no process listens.
/// - The file never has more than the configured rights. Group and rights are final before listen(2), and so before
///   any client can connect.
package struct ListeningSocket: Sendable {
  /// How to open the socket.
  package struct Options: Hashable, Sendable {
    /// The group of the socket file.
    package enum Group: Hashable, Sendable {
      /// The process's own.
      case unchanged
      /// A name or number that must exist and that the process may give files to.
      case required(String)
      /// A name that is used if it exists and the process may use it: for a default.
      case ifPossible(String)
    }

    /// Path of the socket file, at most 107 bytes (`sun_path` of unix(7)).
    package var path: String
    /// Permission bits of the file, such as 0o660.
    package var mode: UInt32
    /// The group of the file.
    package var group: Group
    /// Connections that wait to be accepted; the kernel caps it at net.core.somaxconn.
    package var backlog: Int32

    package init(path: String, mode: UInt32 = 0o660, group: Group = .ifPossible("certregd"), backlog: Int32 = 4096) {
      self.path = path
      self.mode = mode
      self.group = group
      self.backlog = backlog
    }
  }

  /// Non-blocking, close-on-exec and listening. The server closes it.
  package let descriptor: Int32
  /// Path of the socket file.
  package let path: String
  /// What the operator should know although the socket is open, such as a default group that does not exist.
  package let remarks: [String]
  private let claim: SocketPathClaim
  private let identity: FileIdentity

  /// Looks a socket's group up, without opening the socket.
  ///
  /// - Throws: `unknownGroup`, or `failed` if that cannot be found out now.
  package static func check(_ group: Options.Group) throws(HostError) { _ = try ResolvedGroup(group) }

  /// Opens the socket. Creates the directory that it is in, with mode 0755, where only that one is missing.
  ///
  /// - Throws: `inUse`, `occupied`, `invalid`, `denied`, `unknownGroup` or `failed`; nothing is left behind then.
  package static func open(_ options: Options) throws(HostError) -> ListeningSocket {
    let address = try SocketAddress(path: options.path)
    let group = try ResolvedGroup(options.group)
    try createDirectory(ofSocket: options.path)
    // Before the lock, so that no lock file appears beside a symbolic link.
    try requireSocketOrNothing(at: options.path)
    let claim = try SocketPathClaim.take(forSocket: options.path)
    do throws(HostError) {
      try removeStaleSocket(at: options.path, address: address)
      return try bindAndListen(options, address: address, group: group, claim: claim)
    } catch {
      claim.release()
      throw error
    }
  }

  /// Removes the file, unless another one has taken its place, and releases the path for other processes. Does not
  /// close the descriptor: accepted connections and the backlog stay. Called when the daemon wants no more clients; a
  /// second call does nothing.
  package func removeFile() {
    claim.release {
      guard FileIdentity(path: path) == identity else { return }
      unlink(path)
    }
  }
}

extension ListeningSocket {
  private static func bindAndListen(
    _ options: Options, address: SocketAddress, group: ResolvedGroup, claim: SocketPathClaim
  ) throws(HostError) -> ListeningSocket {
    let path = options.path
    let type = Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue) | Int32(SOCK_NONBLOCK.rawValue)
    let descriptor = socket(AF_UNIX, type, 0)
    guard descriptor >= 0 else { throw HostError(errno: errno, call: "socket", subject: path) }
    var bound = false
    do throws(HostError) {
      // bind(2) gives the file the socket's own mode, less the umask (net/unix/af_unix.c, unix_bind_bsd), so this sets
      // the file's rights from its first moment; changing the process's umask would change it for all threads.
      guard fchmod(descriptor, options.mode) == 0 else { throw HostError(errno: errno, call: "fchmod", subject: path) }
      // bind(2) fails where anything is at the path and does not follow a symbolic link.
      guard address.withPointer({ bind(descriptor, $0, $1) }) == 0 else {
        throw HostError(errno: errno, call: "bind", subject: path)
      }
      bound = true
      let (identity, remarks) = try setOwnership(of: path, mode: options.mode, group: group)
      guard listen(descriptor, options.backlog) == 0 else {
        throw HostError(errno: errno, call: "listen", subject: path)
      }
      return ListeningSocket(
        descriptor: descriptor, path: path, remarks: remarks, claim: claim, identity: identity)
    } catch {
      // Something else may have been put in the socket's place.
      if bound, let found = FileIdentity(path: path), found.isSocket, found.owner == geteuid() { unlink(path) }
      close(descriptor)
      throw error
    }
  }

  /// Sets group and mode of the file at `path`, which must be a socket of this process's user, through a handle on the
  /// file itself, so that a file put in its place is left alone.
  private static func setOwnership(
    of path: String, mode: UInt32, group: ResolvedGroup
  ) throws(HostError) -> (FileIdentity, remarks: [String]) {
    let handle = Glibc.open(path, certreg_O_PATH | O_NOFOLLOW | O_CLOEXEC)
    guard handle >= 0 else { throw HostError(errno: errno, call: "open", subject: path) }
    defer { close(handle) }
    guard let identity = FileIdentity(descriptor: handle), identity.isSocket, identity.owner == geteuid() else {
      throw HostError(.occupied, message: "\(path): something else was put in the socket's place while it was made")
    }
    var remarks: [String] = group.remark.map { [$0] } ?? []
    if let id = group.id, fchownat(handle, "", uid_t.max, id, certreg_AT_EMPTY_PATH) != 0 {
      let number = errno
      let text = "\(path): cannot give the socket to group \(group.name): \(systemMessage(number))"
      guard group.isOptional else { throw HostError(.denied, message: text) }
      remarks.append(text)
    }
    // After the group: chown(2) may clear bits. fchmod(2) refuses a handle of O_PATH, its path in /proc does not.
    guard chmod("/proc/self/fd/\(handle)", mode) == 0 else {
      // Without /proc the mode that bind gave is narrower than wanted (the umask) or right already.
      if identity.permissions == mode { return (identity, remarks) }
      throw HostError(errno: errno, call: "chmod", subject: path)
    }
    return (identity, remarks)
  }

  private static func createDirectory(ofSocket path: String) throws(HostError) {
    let directory = directoryPart(of: path)
    var status = stat()
    if stat(directory, &status) == 0 { return }
    guard errno == ENOENT else { throw HostError(errno: errno, call: "stat", subject: directory) }
    guard mkdir(directory, 0o755) == 0 else {
      if errno == EEXIST { return }
      var error = HostError(errno: errno, call: "mkdir", subject: directory)
      if error.code == .denied { error.message += "; name a socket in a folder of your own: --socket PATH" }
      throw error
    }
    // The umask may have taken away what the socket's group needs to get through.
    let handle = Glibc.open(directory, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
    guard handle >= 0 else { throw HostError(errno: errno, call: "open", subject: directory) }
    defer { close(handle) }
    guard fchmod(handle, 0o755) == 0 else { throw HostError(errno: errno, call: "fchmod", subject: directory) }
  }

  private static func directoryPart(of path: String) -> String {
    guard let slash = path.lastIndex(of: "/") else { return "." }
    return slash == path.startIndex ? "/" : String(path[..<slash])
  }

  private static func requireSocketOrNothing(at path: String) throws(HostError) {
    guard let found = FileIdentity(path: path), !found.isSocket else { return }
    throw HostError(
      .occupied,
      message: "\(path): there is \(found.kind) where the socket should be; it was left as it is: move it away or "
        + "configure another socket.path")
  }

  /// Removes a socket that no process listens on. The lock must be held.
  private static func removeStaleSocket(at path: String, address: SocketAddress) throws(HostError) {
    try requireSocketOrNothing(at: path)
    guard let found = FileIdentity(path: path) else { return }
    switch try probe(path, address: address) {
    case .absent: return
    case .listening: throw HostError(.inUse, message: "\(path): another process listens on this socket")
    case .stale:
      guard FileIdentity(path: path) == found else {
        throw HostError(.inUse, message: "\(path): another process replaces this socket at the same time")
      }
      guard unlink(path) == 0 || errno == ENOENT else { throw HostError(errno: errno, call: "unlink", subject: path) }
    }
  }

  private enum ProbeResult { case listening, stale, absent }

  private static func probe(_ path: String, address: SocketAddress) throws(HostError) -> ProbeResult {
    let type = Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue) | Int32(SOCK_NONBLOCK.rawValue)
    let descriptor = socket(AF_UNIX, type, 0)
    guard descriptor >= 0 else { throw HostError(errno: errno, call: "socket", subject: path) }
    defer { close(descriptor) }
    guard address.withPointer({ connect(descriptor, $0, $1) }) != 0 else { return .listening }
    switch errno {
    case ECONNREFUSED: return .stale
    case ENOENT: return .absent
    // A full backlog, or a socket of another type: another process uses it.
    case EAGAIN, EINPROGRESS, EPROTOTYPE: return .listening
    default:
      throw HostError(errno: errno, call: "connect", subject: "\(path): cannot tell whether this socket is in use")
    }
  }
}
