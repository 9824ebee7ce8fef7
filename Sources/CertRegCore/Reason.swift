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
  package static let alreadyRegistered = Reason(rawValue: "already_registered")
  package static let callerRateExceeded = Reason(rawValue: "caller_rate_exceeded")
  package static let deadlineExceeded = Reason(rawValue: "deadline_exceeded")
  package static let draining = Reason(rawValue: "draining")
  package static let notFound = Reason(rawValue: "not_found")
  package static let peerNotAllowed = Reason(rawValue: "peer_not_allowed")
  package static let queueExpired = Reason(rawValue: "queue_expired")
  package static let queueFull = Reason(rawValue: "queue_full")
  package static let queueShareFull = Reason(rawValue: "queue_share_full")
  package static let startFailed = Reason(rawValue: "start_failed")
  package static let statusDiffers = Reason(rawValue: "status_differs")
  package static let storeFailed = Reason(rawValue: "store_failed")
  package static let storeFull = Reason(rawValue: "store_full")
  package static let tooManyConnections = Reason(rawValue: "too_many_connections")
  package static let unknownTarget = Reason(rawValue: "unknown_target")
  package static let repeatedTarget = Reason(rawValue: "repeated_target")
  /// The sandbox refused the request.
  package static let upstreamRefused = Reason(rawValue: "upstream_refused")
  /// An answer of the upstream names another certificate than the one that was sent.
  package static let upstreamMismatch = Reason(rawValue: "upstream_mismatch")
}
