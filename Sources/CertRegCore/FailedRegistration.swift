/// A job that ended with a permanent error.
package struct FailedRegistration: Hashable, Sendable {
  /// The certificate and the target.
  package var key: RegistrationKey
  /// What the job was for. It is not kept on disk: see ``isKept``.
  package var purpose: JobPurpose
  /// The error that callers got, and that `lookup` repeats.
  package var error: ServiceError
  /// How many calls to the upstream were made.
  package var attempts: Int
  /// When the error was known.
  package var finishedAt: WallTime
  /// The first caller. `nil` in records of older versions.
  package var requester: Requester?
  /// The device's name; `nil` where none was given.
  package var deviceID: DeviceID?
  /// The certificate as it is registered, where only a later step failed. It is kept beside the failure.
  package var registered: Registration?

  package init(
    key: RegistrationKey, purpose: JobPurpose = .register, error: ServiceError, attempts: Int, finishedAt: WallTime,
    requester: Requester? = nil, deviceID: DeviceID? = nil, registered: Registration? = nil
  ) {
    self.key = key
    self.purpose = purpose
    self.error = error
    self.attempts = attempts
    self.finishedAt = finishedAt
    self.requester = requester
    self.deviceID = deviceID
    self.registered = registered
  }

  /// Whether a call that was to set the status may have taken effect, so that a status that was known may be wrong.
  package var statusIsInDoubt = false

  /// Whether the store keeps the failure, for `lookup`. Nobody tried to register a certificate whose status was to be
  /// set, and a failure to do so says nothing about its registration.
  package var isKept: Bool { purpose.registers }

  /// What is known of the certificate afterwards, if `statusIsInDoubt`; `nil`: nothing was known before.
  package func applied(to known: Registration?) -> Registration? {
    guard var registration = known else { return nil }
    registration.status = nil
    registration.finishedAt = finishedAt
    return registration
  }

  /// Whether the failure stays beside the result when the status of the certificate changes: a step of its device has
  /// failed. A failure to set the status goes, and so does that of a device which a revocation ended.
  package var outlastsUpdate: Bool {
    guard let step = error.failedStep else { return false }
    return step.operation != UpstreamOperation.updateCertificate.rawValue && error.reason != .certificateRevoked
  }

  /// Whether the upstream said during the job that it does not have the certificate.
  package var wasGone = false

  /// Whether the upstream does not have the certificate, so that an earlier result is wrong.
  package var isGone: Bool { error.saysCertificateIsGone || wasGone && registered == nil }
}
