package import CertRegCore

/// Who may do what: the first rule that matches a peer decides, and a peer that none matches is refused.
package struct AccessSettings: Sendable, Equatable {
  /// Never empty.
  package var rules: [AccessRule] = []

  package init() {}
}

/// What one kind of peer may do.
package struct AccessRule: Sendable, Equatable {
  /// A user or group as it was written. Names are looked up while the daemon runs: an account may be created later.
  package enum Account: Hashable, Sendable {
    case name(String)
    case number(UInt32)
    /// Every account (`*`).
    case any
  }

  /// Matches the peer's user of `SO_PEERCRED`; `nil`: not looked at. All that are given have to match.
  package var user: Account?
  /// Matches the peer's group of `SO_PEERCRED` or one of its user's groups.
  package var group: Account?
  /// Matches the systemd unit that the peer runs in (`line7.service`).
  package var unit: String?
  /// `nil`: all.
  package var operations: [RequestOperation]?
  /// Names of configured targets; `nil`: all.
  package var targets: [String]?
  /// Names of provisioning profiles; `nil`: all.
  package var profiles: [String]?
  /// Most requests a second of all peers that the rule matches, together; `nil`: no limit.
  package var requestsPerSecond: Double?
  /// The part of `queue.maxEntries` that these peers may fill, above 0 up to 1; `nil`: no limit.
  package var queueShare: Double?

  package init() {}
}
