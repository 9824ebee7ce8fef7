/// Why an error was given: a stable snake_case word that programs may switch on.
///
/// Each module declares its own reasons; `docs/errors.md` lists them all.
package struct Reason: RawRepresentable, Hashable, Sendable, CustomStringConvertible {
  package let rawValue: String

  package init(rawValue: String) {
    self.rawValue = rawValue
  }

  package init<Module: RawRepresentable>(_ reason: Module) where Module.RawValue == String {
    rawValue = reason.rawValue
  }

  package var description: String { rawValue }
}

// The reasons of the daemon's own errors.
extension Reason {
  /// The daemon's identity has no right to the operation.
  package static let accessDenied = Reason(rawValue: "access_denied")
  /// The upstream has the certificate already, and the request says `ifExists:"error"`.
  package static let alreadyRegistered = Reason(rawValue: "already_registered")
  /// The caller sent more requests a second than its access rule allows.
  package static let callerRateExceeded = Reason(rawValue: "caller_rate_exceeded")
  /// The upstream does not have the certificate.
  package static let certificateNotFound = Reason(rawValue: "certificate_not_found")
  /// A later request revokes the certificate, which ends what an earlier one has left to do.
  package static let certificateRevoked = Reason(rawValue: "certificate_revoked")
  /// The time of `timeoutMs` ended before the request did, which goes on.
  package static let deadlineExceeded = Reason(rawValue: "deadline_exceeded")
  /// The daemon is stopping and accepts no registrations.
  package static let draining = Reason(rawValue: "draining")
  /// The fleet's database cannot be asked now.
  package static let fleetUnreachable = Reason(rawValue: "fleet_unreachable")
  /// A profile cannot be applied to the request: a placeholder has no value, or a name has another form.
  package static let invalidProvisioning = Reason(rawValue: "invalid_provisioning")
  /// A resource of the upstream cannot have more of another.
  package static let limitExceeded = Reason(rawValue: "limit_exceeded")
  /// The configuration has no fleet.
  package static let noFleet = Reason(rawValue: "no_fleet")
  /// The fleet has no member of that name.
  package static let noSuchMember = Reason(rawValue: "no_such_member")
  /// `lookup` or `forget` named a certificate without a result.
  package static let notFound = Reason(rawValue: "not_found")
  /// No access rule allows the caller to do what it asked for.
  package static let peerNotAllowed = Reason(rawValue: "peer_not_allowed")
  /// The registration was in the queue for longer than `queue.maxAge`.
  package static let queueExpired = Reason(rawValue: "queue_expired")
  /// All `queue.maxEntries` slots of the queue are taken.
  package static let queueFull = Reason(rawValue: "queue_full")
  /// The caller's registrations take all slots that its access rule's `queueShare` gives it.
  package static let queueShareFull = Reason(rawValue: "queue_share_full")
  /// The daemon could not start; systemd still accepts connections to its socket.
  package static let startFailed = Reason(rawValue: "start_failed")
  /// The request names a status other than the one that is known or was asked for.
  package static let statusDiffers = Reason(rawValue: "status_differs")
  /// A certificate that a profile is to activate exists, and its status cannot be had.
  package static let statusUnknown = Reason(rawValue: "status_unknown")
  /// The state directory cannot be read or written.
  package static let storeFailed = Reason(rawValue: "store_failed")
  /// The disk of the state directory is full.
  package static let storeFull = Reason(rawValue: "store_full")
  /// The upstream does not have the thing or the certificate that were to be attached to each other.
  package static let thingOrCertificateNotFound = Reason(rawValue: "thing_or_certificate_not_found")
  /// A thing of the profile's name has another type or other attributes.
  package static let thingDiffers = Reason(rawValue: "thing_differs")
  /// As many `describe` requests are under way as the daemon allows.
  package static let tooManyDescribes = Reason(rawValue: "too_many_describes")
  /// The daemon, or one user, has all the connections that the configuration allows.
  package static let tooManyConnections = Reason(rawValue: "too_many_connections")
  /// The request names a provisioning profile that the configuration does not have.
  package static let unknownProfile = Reason(rawValue: "unknown_profile")
  /// The request names a target that the configuration does not have.
  package static let unknownTarget = Reason(rawValue: "unknown_target")
  /// An array of targets has a name more than once.
  package static let repeatedTarget = Reason(rawValue: "repeated_target")
  /// The sandbox refused the request.
  package static let upstreamRefused = Reason(rawValue: "upstream_refused")
  /// An answer of the upstream names another certificate than the one that was sent.
  package static let upstreamMismatch = Reason(rawValue: "upstream_mismatch")
}
