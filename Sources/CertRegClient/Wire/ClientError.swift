/// Why there is no answer: the connection could not be made, broke, or brought something that is no answer.
package struct ClientError: Error, Hashable, Sendable {
  package enum Code: Hashable, Sendable {
    /// Nothing listens at the path.
    case noDaemon
    /// The socket's mode, owner or group keep this user out.
    case notPermitted
    /// The path is longer than a Unix socket's may be.
    case pathTooLong
    /// The path leads to something that is no stream socket.
    case notASocket
    /// The daemon accepts no more connections.
    case busy
    /// The daemon closed the connection.
    case connectionLost
    /// No answer came in time.
    case timedOut
    /// What came is no answer of certregd.
    case protocolViolation
    /// The daemon refused the connection with an error of its own.
    case refused
    /// Any other error of the system.
    case system
  }

  package var code: Code
  /// What happened, with the path.
  package var message: String
  /// What a person can do about it.
  package var advice: String?
  /// How a command that got this error ends.
  package var exitStatus: CommandStatus

  package init(_ code: Code, _ message: String, advice: String? = nil, exitStatus: CommandStatus? = nil) {
    self.code = code
    self.message = message
    self.advice = advice
    self.exitStatus = exitStatus ?? code.exitStatus
  }
}

extension ClientError.Code {
  fileprivate var exitStatus: CommandStatus {
    switch self {
    case .noDaemon, .connectionLost, .notASocket, .pathTooLong: .unavailable
    case .notPermitted: .notPermitted
    case .busy, .timedOut: .temporaryFailure
    case .protocolViolation: .protocolError
    case .refused, .system: .unavailable
    }
  }
}
