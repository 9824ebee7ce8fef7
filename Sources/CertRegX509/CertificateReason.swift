package import CertRegCore

/// The `reason` words of refused certificates.
package enum CertificateReason: String, CaseIterable, Sendable {
  case empty
  case tooLarge = "too_large"
  case notPEM = "not_pem"
  case truncatedBase64 = "truncated_base64"
  case noCertificate = "no_certificate"
  case multipleCertificates = "multiple_certificates"
  case wrongPEMLabel = "wrong_pem_label"
  case extraPEMBlock = "extra_pem_block"
  case malformedDER = "malformed_der"
  case trailingData = "trailing_data"
  case unsupportedKey = "unsupported_key"
  case weakRSAKey = "weak_rsa_key"
  case unsupportedCurve = "unsupported_curve"
  case unsupportedSignature = "unsupported_signature"
  case md5Signature = "md5_signature"
  case sha1Signature = "sha1_signature"
  case signatureValue = "signature_value"
  case expired
  case notYetValid = "not_yet_valid"
  case rocaKey = "roca_key"
  case evenModulus = "even_rsa_modulus"
  case keyEncoding = "key_encoding"
  case unusualExponent = "unusual_rsa_exponent"
  case validityInverted = "validity_inverted"
  case unknownVersion = "unknown_version"
  case versionMismatch = "version_mismatch"
  case repeatedExtension = "repeated_extension"
  case invalidExtension = "invalid_extension"
  case certificateAuthority = "ca_certificate"
  case serialNumber = "serial_number"
  case emptyIssuer = "empty_issuer"
  case emptySubject = "empty_subject"
  case invalidName = "invalid_name"
  // Never a reason to refuse.
  case sharedKey = "shared_key"
  /// Says nothing of the certificate.
  case outOfMemory = "out_of_memory"

  /// The exception that the API reference of RegisterCertificateWithoutCA has for it.
  package var kind: ServiceError.Kind {
    switch self {
    case .empty, .tooLarge: .invalidRequest
    case .outOfMemory: .internalFailure
    default: .certificateValidation
    }
  }

  /// The source of the rule for a refusal that ends the examination.
  var source: String {
    switch self {
    case .empty, .tooLarge, .multipleCertificates: "AWS IoT API reference, RegisterCertificateWithoutCA"
    case .notPEM, .wrongPEMLabel, .noCertificate, .trailingData: "RFC 7468 section 5.1"
    case .truncatedBase64: "RFC 7468 sections 2 and 3"
    default: "RFC 5280 section 4.1"
    }
  }

  /// The error that refuses a certificate for this reason.
  package func error(_ message: String) -> ServiceError {
    ServiceError(kind, reason: Reason(self), message: message, retryable: self == .outOfMemory)
  }
}
