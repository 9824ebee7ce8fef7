package import CertRegCore

// The errors of a connection as a whole. docs/errors.md lists their reasons.

extension Reason {
  /// A connection asks for more watches than it may have.
  package static let tooManyWatches = Reason(rawValue: "too_many_watches")
}

extension ServiceError {
  /// The socket has as many connections as the daemon takes.
  package static func tooManyConnections(limit: Int) -> ServiceError {
    ServiceError(
      .serviceUnavailable, reason: .tooManyConnections,
      message: "\(limit) connections are open already (socket.maxConnections, or the limit of open files)",
      retryable: true, retryAfterMilliseconds: 1000)
  }

  /// One user has as many connections as the daemon takes of a user.
  package static func tooManyConnections(ofUser user: UInt32, limit: Int) -> ServiceError {
    ServiceError(
      .serviceUnavailable, reason: .tooManyConnections,
      message: "user \(user) has \(limit) connections open already (socket.maxConnectionsPerUser)",
      retryable: true, retryAfterMilliseconds: 1000)
  }

  /// A connection has as many watches as it may have.
  package static func tooManyWatches(limit: Int) -> ServiceError {
    ServiceError(
      .invalidRequest, reason: .tooManyWatches,
      message: "this connection has \(limit) watches already; watch several targets with one request")
  }
}
