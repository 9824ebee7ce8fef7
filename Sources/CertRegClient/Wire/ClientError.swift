/// Why there is no answer: the connection could not be made, broke, or delivered something else than an answer.
package struct ClientError: Error, Hashable, Sendable {
  /// The kinds of errors.
  package enum Code: Hashable, Sendable {
    /// Nothing listens at the path.
    case noDaemon
    /// The socket's mode, owner or group exclude this user.
    case notPermitted
    /// The path is longer than a Unix socket's may be.
    case pathTooLong
    /// The path leads to something else than a stream socket.
    case notASocket
    /// The daemon accepts no more connections.
    case busy
    /// The daemon closed the connection.
    case connectionLost
    /// No answer came in time.
    case timedOut
    /// What arrived is not an answer of certregd.
    case protocolViolation
    /// The daemon refused a line or the connection, with an error that belongs to no request.
    case refused
    /// Any other error of the system.
    case system
  }

  /// The kind of error.
  package var code: Code
  /// What happened, with the path.
  package var message: String
  /// What a person can do about it.
  package var advice: String?
  /// How a command that got this error ends.
  package var exitStatus: CommandStatus
  /// The error in the daemon's form: its own for code `refused`.
  package var refusal: AnswerError?

  package init(
    _ code: Code, _ message: String, advice: String? = nil, exitStatus: CommandStatus? = nil,
    refusal: AnswerError? = nil
  ) {
    self.code = code
    self.message = message
    self.advice = advice
    self.exitStatus = exitStatus ?? code.exitStatus
    self.refusal = refusal
  }

  /// Whether the daemon refused a line that it could not read, and so could not name the request.
  var isAboutLine: Bool { refusal?.type == "InvalidRequestException" }

  /// Whether another connection, later, can succeed.
  var canPass: Bool {
    switch code {
    case .noDaemon, .busy, .connectionLost, .timedOut: true
    case .refused: isAboutLine || refusal?.retryable == true
    case .notPermitted, .pathTooLong, .notASocket, .protocolViolation, .system: false
    }
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
