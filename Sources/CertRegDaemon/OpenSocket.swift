import CertRegHost
import CertRegSettings
import Glibc
import Logging

/// The sockets that the daemon serves: all that the service manager passed, or one of its own.
struct OpenSocket: Sendable {
  var descriptors: [Int32]
  /// The sockets' paths, for messages.
  var path: String
  var own: ListeningSocket?

  /// All sockets that were passed, or else one of the daemon's own.
  ///
  /// - Throws: `DaemonError` where a passed socket cannot be served, or no socket can be opened.
  static func take(
    _ passed: PassedSockets, else settings: SocketSettings, logger: Logger
  ) throws(DaemonError) -> OpenSocket {
    do throws(HostError) {
      if let problem = passed.problem { throw problem }
      if !passed.usable.isEmpty {
        return OpenSocket(
          descriptors: passed.usable.map(\.descriptor),
          path: passed.usable.map { $0.path ?? $0.name }.joined(separator: ", "), own: nil)
      }
      let socket = try ListeningSocket.open(
        .init(path: settings.path, mode: settings.mode, group: settings.groupOfFile))
      for remark in socket.remarks { logger.notice("\(remark)") }
      return OpenSocket(descriptors: [socket.descriptor], path: socket.path, own: socket)
    } catch {
      throw DaemonError(error)
    }
  }

  /// Whether the service manager listens on the sockets, too.
  var isShared: Bool { own == nil }

  /// Removes the socket's file where it is the daemon's own.
  func removeFile() {
    own?.removeFile()
  }
}

extension SocketSettings {
  /// The group of the socket's file. The default one need not exist.
  var groupOfFile: ListeningSocket.Options.Group {
    group == SocketSettings().group ? .ifPossible(group) : .required(group)
  }
}
