/// The `status` of a certificate in AWS IoT, as the API reference's `CertificateStatus` lists it.
package enum CertificateStatus: String, CaseIterable, Sendable {
  case active = "ACTIVE"
  case inactive = "INACTIVE"
  case revoked = "REVOKED"
  case pendingTransfer = "PENDING_TRANSFER"
  case registerInactive = "REGISTER_INACTIVE"
  case pendingActivation = "PENDING_ACTIVATION"

  /// The status that AWS IoT gives a certificate whose registration names none
  /// (https://docs.aws.amazon.com/iot/latest/apireference/API_RegisterCertificateWithoutCA.html). No device can connect
  /// with it.
  package static let ofUnnamed = CertificateStatus.inactive
}

extension CertificateStatus {
  /// Whether UpdateCertificate sets it. AWS IoT refuses PENDING_TRANSFER and PENDING_ACTIVATION, and REGISTER_INACTIVE
  /// is deprecated (https://docs.aws.amazon.com/iot/latest/apireference/API_UpdateCertificate.html).
  package var canBeSet: Bool {
    switch self {
    case .active, .inactive, .revoked: true
    case .pendingTransfer, .registerInactive, .pendingActivation: false
    }
  }
}

extension CertificateStatus {
  /// Reads the `Status` of a provisioning template, which AWS's examples write as `Active` (AWS IoT Developer Guide,
  /// "Provisioning templates"); `nil` for what a template cannot set.
  package static func ofTemplate(_ text: String) -> CertificateStatus? {
    switch text.uppercased() {
    case CertificateStatus.active.rawValue: .active
    case CertificateStatus.inactive.rawValue: .inactive
    default: nil
    }
  }
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
  /// A success, and its status becomes the one asked for.
  case update
}
