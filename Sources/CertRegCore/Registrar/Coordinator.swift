/// Joins this host with others that use the same account: who works on a registration, what is known elsewhere, and which
/// part of the account's rate is this host's.
///
/// Its decisions come at once or later, as ``Registrar/coordinated(_:sequence:_:now:)`` and ``Registrar/shareChanged(of:now:)``.
/// It never keeps a registration waiting for good: where others cannot be reached it grants leave after a while.
package protocol Coordinator: Sendable {
  /// Asks for leave to work on a registration. It is called once for each, before its first call.
  ///
  /// - Parameters:
  ///   - key: The registration.
  ///   - sequence: Tells two registrations of one key apart.
  mutating func askLeave(for key: RegistrationKey, sequence: Int64) -> Coordination.Leave

  /// The registration ended on this host, with its end on disk; `nil`: it was never on disk.
  mutating func ended(_ key: RegistrationKey, _ ending: Ending?)

  /// How many calls a second of an operation this host may make; `nil`: as many as the account allows.
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

  /// What comes of a question that was answered later.
  package enum Answer: Hashable, Sendable {
    /// This host may work on it. `earlierCall`: another host may have made the call and lost its answer, so that a 409 can be the
    /// answer to that call.
    case granted(earlierCall: Bool)
    /// Another host has registered the certificate.
    case known(Registration)
  }
}

/// A host by itself: it works on everything, knows of nobody else, and has the account's whole rate.
package struct Alone: Coordinator {
  package init() {}

  package func askLeave(for key: RegistrationKey, sequence: Int64) -> Coordination.Leave { .granted }

  package func ended(_ key: RegistrationKey, _ ending: Ending?) {}

  package func share(of operation: UpstreamOperation, target: TargetName) -> Double? { nil }
}
