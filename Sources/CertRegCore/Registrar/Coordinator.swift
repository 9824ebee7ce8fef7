/// Joins this host with others that use the same account. Decides which host works on a registration, finds results of
/// other hosts, and gives this host its share of the account's rate.
///
/// Its decisions come at once or later, as ``Registrar/coordinated(_:sequence:_:now:)`` and
/// ``Registrar/shareChanged(of:now:)``. It never keeps a registration waiting permanently: if other hosts cannot be
/// reached, it allows the work after a while.
package protocol Coordinator: Sendable {
  /// Asks whether this host may work on a registration. Called when the request comes, before it is on disk, and again for each row
  /// of the queue at each start of the process.
  ///
  /// - Parameters:
  ///   - key: The registration.
  ///   - sequence: Distinguishes registrations of one key on this host. It stays the same after a restart.
  mutating func askLeave(for key: RegistrationKey, sequence: Int64) -> Coordination.Leave

  /// The registration ended on this host, with its end on disk; `nil`: it was never on disk.
  mutating func ended(_ key: RegistrationKey, _ ending: Ending?)

  /// This host's calls a second of an operation; `nil`: as many as the account allows.
  func share(of operation: UpstreamOperation, target: TargetName) -> Double?
}

/// The decisions of a ``Coordinator``.
package enum Coordination {
  /// Whether this host may work on a registration.
  package enum Leave: Hashable, Sendable {
    case granted
    /// The answer comes later.
    case later
  }

  /// A later answer to a question.
  package enum Answer: Hashable, Sendable {
    /// This host may work on it. `earlierCall`: another host may have made the call and lost its answer, so that a 409
    /// can be the answer to that call.
    case granted(earlierCall: Bool)
    /// Another host has registered the certificate.
    case known(Registration)
  }
}

/// The coordinator of a single host, which works on everything and has the account's whole rate.
package struct Alone: Coordinator {
  package init() {}

  package func askLeave(for key: RegistrationKey, sequence: Int64) -> Coordination.Leave { .granted }

  package func ended(_ key: RegistrationKey, _ ending: Ending?) {}

  package func share(of operation: UpstreamOperation, target: TargetName) -> Double? { nil }
}
