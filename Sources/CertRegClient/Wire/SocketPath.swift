import CertRegCore
import Glibc

/// The path of the daemon's socket.
package enum SocketPath {
  /// The socket of the packaged service.
  package static let standard = "/run/certregd/certregd.sock"

  /// The path to use: `option` if given, else `CERTREGD_SOCKET` of `environment`, else ``standard``.
  package static func resolve(option: String?, environment: [String: String]) -> String {
    if let option { return option }
    if let variable = environment["CERTREGD_SOCKET"], !variable.isEmpty { return variable }
    return standard
  }
}

/// Connects to the socket at `path`, and returns a non-blocking descriptor.
///
/// - Throws: `ClientError`.
func connectedSocket(path: String, timeout: Duration) throws(ClientError) -> Int32 {
  var address = sockaddr_un()
  let capacity = MemoryLayout.size(ofValue: address.sun_path)
  let pathBytes = Array(path.utf8)
  guard !pathBytes.isEmpty, !pathBytes.contains(0) else {
    throw ClientError(.noDaemon, "the socket's path is empty", advice: "name it with --socket PATH", exitStatus: .usage)
  }
  guard pathBytes.count < capacity else {
    throw ClientError(
      .pathTooLong, "the socket's path has \(pathBytes.count) bytes; a Unix socket's has at most \(capacity - 1)",
      advice: "change to its folder and give --socket the file name alone", exitStatus: .usage)
  }
  address.sun_family = sa_family_t(AF_UNIX)
  withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: pathBytes) }

  let descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
  guard descriptor >= 0 else { throw systemError("socket", path) }
  // A blocking connect with a limit. A non-blocking one would fail at once where the backlog is full.
  var limit = timeval(tv_sec: Int(timeout.components.seconds), tv_usec: Int(timeout.milliseconds % 1000) * 1000)
  setsockopt(descriptor, SOL_SOCKET, SO_SNDTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
  let result = withUnsafePointer(to: &address) { pointer in
    pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
      connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
    }
  }
  guard result == 0, fcntl(descriptor, F_SETFL, O_NONBLOCK) == 0 else {
    let error = connectError(errno, path: path)
    close(descriptor)
    throw error
  }
  return descriptor
}

/// The error for a failed connect(2).
func connectError(_ code: Int32, path: String) -> ClientError {
  switch code {
  case ENOENT:
    return ClientError(.noDaemon, "no certregd at \(path): the socket does not exist", advice: startAdvice)
  case ECONNREFUSED where isOtherFile(path):
    return ClientError(.notASocket, "\(path) is not a socket", advice: "name certregd's with --socket PATH")
  case ECONNREFUSED:
    return ClientError(
      .noDaemon, "no certregd at \(path): nothing listens on the socket", advice: startAdvice)
  case EACCES, EPERM:
    return ClientError(.notPermitted, "you may not connect to \(path)", advice: accessAdvice(path))
  case EPROTOTYPE, ENOTSOCK, ENOTDIR:
    return ClientError(.notASocket, "\(path) is not the socket of certregd", advice: "name it with --socket PATH")
  case EAGAIN:
    return ClientError(
      .busy, "certregd at \(path) accepts no connection just now", advice: "try again; see its log and maxConnections")
  default:
    return ClientError(.system, "cannot connect to \(path): \(systemMessage(code))")
  }
}

/// Whether there is a file that is no socket. The socket of a daemon that restarts can vanish at any time.
private func isOtherFile(_ path: String) -> Bool {
  var status = stat()
  return stat(path, &status) == 0 && status.st_mode & S_IFMT != S_IFSOCK
}

/// What lets this user in.
private func accessAdvice(_ path: String) -> String {
  let user = HostProbe.userName(geteuid())
  if let socket = HostProbe.fileFacts(path) { return AccessAdvice.forSocket(socket, user: user) }
  let folder = path.lastIndex(of: "/").map { $0 == path.startIndex ? "/" : String(path[..<$0]) } ?? "."
  return HostProbe.fileFacts(folder).map { AccessAdvice.forFolder(folder, $0, user: user) }
    ?? "certregctl doctor says which folder keeps you out; or: sudo certregctl"
}

private var startAdvice: String { adviceToStart(isRoot: geteuid() == 0) }

/// - Parameter isRoot: Whether this user may use the folders of the service.
func adviceToStart(isRoot: Bool) -> String {
  let folders = isRoot ? "" : " --state-dir ~/certregd --socket ~/certregd/socket"
  return "start it: sudo systemctl start certregd (or, to try it: certregd --sandbox\(folders)); "
    + "another path: --socket PATH"
}

/// The system's words for an error number.
func systemMessage(_ code: Int32) -> String {
  String(cString: strerror(code))
}

func systemError(_ call: String, _ path: String) -> ClientError {
  ClientError(.system, "\(call) on \(path): \(systemMessage(errno))")
}
