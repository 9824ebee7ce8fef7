/// The metadata keys of certregd's log. In the journal each is the field of the same name in capitals
/// (`journalctl CERTIFICATE_ID=…`); in text and JSON it stands as it is.
package enum LogField {
  /// Kind of event, a name of ``EventID``; the journal gets `MESSAGE_ID`, too.
  package static let event = "event"
  /// SHA-256 of the certificate's DER in lower-case hex.
  package static let certificateID = "certificate_id"
  /// The caller's name for the device.
  package static let deviceID = "device_id"
  /// Name of a configured target.
  package static let target = "target"
  /// User ID of the peer, from `SO_PEERCRED`.
  package static let peerUID = "peer_uid"
  /// Process ID of the peer.
  package static let peerPID = "peer_pid"
  /// The systemd unit that the peer runs in.
  package static let peerUnit = "peer_unit"
  /// `x-amzn-RequestId` of an upstream's answer.
  package static let awsRequestID = "aws_request_id"
  /// An operation of the wire (`register`, `lookup` …).
  package static let operation = "operation"
  /// How a request ended (`created`, `existing`, `updated`).
  package static let outcome = "outcome"
  /// The status that a certificate has got (`ACTIVE`, `INACTIVE`).
  package static let status = "certificate_status"
  /// The name of this host in its fleet.
  package static let fleetMember = "fleet_member"
  /// The provisioning profile of a device.
  package static let profile = "profile"
  /// The name of the device's thing in AWS IoT.
  package static let thingName = "thing_name"
  /// The operation of the step that failed after the registration.
  package static let step = "step"
  /// Type of a `ServiceError`, an exception name.
  package static let errorType = "error_type"
  /// Reason of a `ServiceError`, a snake_case word.
  package static let reason = "reason"
  /// The underlying error of a `ServiceError`: an `errno`, a TLS error, an SQLite code. Peers are not told it.
  package static let cause = "cause"
  /// What an `Error` says of itself.
  package static let error = "error"
  /// Number of attempts made.
  package static let attempts = "attempts"
  /// A time that something took, in milliseconds.
  package static let durationMilliseconds = "duration_ms"
  /// How many messages of the same kind were held back before this one.
  package static let suppressed = "suppressed"
  /// A key of the configuration, with dots.
  package static let setting = "setting"
  /// Name of a supervised loop.
  package static let loop = "loop"
}
