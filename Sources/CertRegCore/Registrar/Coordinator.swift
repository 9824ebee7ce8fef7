/// Joins this host with others that use the same account. Decides which host works on a registration, finds results of
/// other hosts, and gives this host its share of the account's rate.
///
/// Its decisions come at once or later, as ``Registrar/coordinated(_:sequence:_:now:)``,
/// ``Registrar/mayCall(_:_:now:)``, ``Registrar/isSafe(_:)``, ``Registrar/revokedElsewhere(_:now:)`` and
/// ``Registrar/shareChanged(of:now:)``. It never keeps a
/// registration waiting permanently: if other hosts cannot be reached, it allows the work after a while.
package protocol Coordinator: Sendable {
  /// Asks whether this host may work on a job. Called when the request comes, before it is on disk, and again for each
  /// row of the queue at each start of the process.
  ///
  /// - Parameters:
  ///   - pending: The job.
  ///   - isPromised: Whether an earlier process told a caller that it is safe.
  mutating func askLeave(for pending: PendingRegistration, isPromised: Bool) -> Coordination.Leave

  /// A call of a job is about to begin that has to be known wherever its reply may be read.
  ///
  /// - Returns: Whether it may begin now.
  mutating func mayCall(_ pending: PendingRegistration) -> Bool

  /// A job that revokes its certificate is on disk. Where another host works on the certificate, what that host does
  /// has to give way.
  mutating func revokes(_ pending: PendingRegistration)

  /// A caller waits to hear that a job is safe. It is on this host's disk.
  ///
  /// - Returns: Whether the caller may be told now.
  mutating func isSafe(_ pending: PendingRegistration) -> Bool

  /// The job ended on this host, with its end on disk; `nil`: it was never on disk.
  mutating func ended(_ id: JobID, _ ending: Ending?)

  /// This host's share of an operation's rate; `nil`: all that the account allows.
  func share(of operation: UpstreamOperation, target: TargetName) -> PaceShare?
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
    /// can be the answer to that call. `status`: what other hosts know of the certificate's status then, which somebody
    /// may have changed since that call; `nil`: nothing.
    case granted(earlierCall: Bool, status: CertificateStatus? = nil)
    /// Another host has registered the certificate. `home`: where the result belongs.
    case known(Registration, home: JobHome?)
  }
}

/// The coordinator of a single host, which works on everything and has the account's whole rate.
package struct Alone: Coordinator {
  package init() {}

  package func askLeave(for pending: PendingRegistration, isPromised: Bool) -> Coordination.Leave { .granted }

  package func mayCall(_ pending: PendingRegistration) -> Bool { true }

  package func revokes(_ pending: PendingRegistration) {}

  package func isSafe(_ pending: PendingRegistration) -> Bool { true }

  package func ended(_ id: JobID, _ ending: Ending?) {}

  package func share(of operation: UpstreamOperation, target: TargetName) -> PaceShare? { nil }
}
