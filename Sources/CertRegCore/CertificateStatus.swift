/// The `status` of a certificate in AWS IoT, as the API reference's `CertificateStatus` lists it.
package enum CertificateStatus: String, CaseIterable, Sendable {
  case active = "ACTIVE"
  case inactive = "INACTIVE"
  case revoked = "REVOKED"
  case pendingTransfer = "PENDING_TRANSFER"
  case registerInactive = "REGISTER_INACTIVE"
  case pendingActivation = "PENDING_ACTIVATION"
}

/// How a registration ended well.
package enum RegistrationOutcome: String, CaseIterable, Sendable {
  /// Our call put the certificate into the upstream's register.
  case created
  /// The upstream had the certificate before our first call.
  case existing
}

/// What to answer when the upstream has the certificate already.
package enum IfExists: String, CaseIterable, Sendable {
  /// A success with outcome `existing`.
  case `return`
  /// `ResourceAlreadyExistsException`.
  case error
}
