/// Leave for one call.
package struct CallPermit: Hashable, Sendable {
  package var operation: UpstreamOperation
  /// When the permit was given.
  package var admittedAt: MonotonicTime
  /// Whether the call goes out ahead of the pace, to see whether the upstream takes more.
  package var isProbe: Bool

  package init(_ operation: UpstreamOperation, admittedAt: MonotonicTime, isProbe: Bool = false) {
    self.operation = operation
    self.admittedAt = admittedAt
    self.isProbe = isProbe
  }
}

/// Whether a call may begin.
package enum Admission: Hashable, Sendable {
  /// It may; it is counted as under way from now on.
  case now(CallPermit)
  /// Ask again then.
  case notBefore(MonotonicTime)
  /// Ask again when a call has ended.
  case whenCallEnds
}

/// What became of a call, as far as the pace is concerned.
package enum CallResult: Hashable, Sendable {
  /// The upstream answered. Whether it said yes or no does not matter.
  case answered
  /// - Parameter retryAfter: The pause that the upstream asks for.
  case throttled(retryAfter: Duration?)
  /// - Parameter retryAfter: The pause that the upstream asks for.
  case unavailable(retryAfter: Duration?)
  /// The daemon's identity was refused. `isForOperation`: it lacks the right to this operation; other operations may be
  /// allowed.
  case unauthorized(isForOperation: Bool)
}

/// How a target looks from here.
package enum TargetHealth: String, Hashable, Sendable {
  case ok
  case throttled
  case unavailable
  case unauthorized
}
