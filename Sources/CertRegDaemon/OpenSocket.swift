import CertRegHost
import CertRegSettings
import Glibc
import Logging

/// The socket that the daemon serves: passed by the service manager, or its own.
struct OpenSocket: Sendable {
  var descriptor: Int32
  var path: String
  var own: ListeningSocket?

  /// The first Unix socket that was passed, or else one of our own.
  static func take(
    _ passed: Result<[PassedDescriptor], HostError>, else settings: SocketSettings, logger: Logger
  ) throws(DaemonError) -> OpenSocket {
    do throws(HostError) {
      var taken: OpenSocket?
      for socket in try passed.get() {
        if taken == nil, case .unix(let path) = socket.family {
          taken = OpenSocket(descriptor: socket.descriptor, path: path ?? socket.name, own: nil)
        } else {
          logger.warning("a socket that the service manager passed is not served: \(socket.name)")
          Glibc.close(socket.descriptor)
        }
      }
      if let taken { return taken }
      let group: ListeningSocket.Options.Group =
        settings.group == SocketSettings().group ? .ifPossible(settings.group) : .required(settings.group)
      let socket = try ListeningSocket.open(.init(path: settings.path, mode: settings.mode, group: group))
      for remark in socket.remarks { logger.notice("\(remark)") }
      return OpenSocket(descriptor: socket.descriptor, path: socket.path, own: socket)
    } catch {
      throw DaemonError(error)
    }
  }

  /// Whether the service manager listens on it, too.
  var isShared: Bool { own == nil }

  /// Removes the socket's file where it is the daemon's own.
  func removeFile() {
    own?.removeFile()
  }
}
