/// Reasons to refuse a certificate that are no policies of the `validation` section.
///
/// Somebody who reads such a reason in an error looks for a setting of that name.
enum FixedRule {
  /// Why there is no setting for a reason, or which setting concerns it; `nil` if the word is no such reason.
  static func explanation(of reason: String) -> String? {
    if let why = causes[reason] { return "is deliberately no setting: \(why)" }
    return policies[reason].map { "is the word in errors; the setting is \($0)" }
  }

  /// AWS IoT would refuse the certificate itself, and the call would be spent.
  private static let causes = [
    "empty": "without a text there is nothing to register",
    "too_large": "AWS IoT takes at most 65,536 characters",
    "not_pem": "AWS IoT takes certificates in PEM only",
    "truncated_base64": "a damaged text is no certificate",
    "no_certificate": "a block without content is no certificate",
    "multiple_certificates": "a call registers one certificate: send each by itself",
    "wrong_pem_label": "another label says that the block is no certificate",
    "malformed_der": "what cannot be read as a certificate has no ID that AWS IoT would agree to",
    "trailing_data": "with bytes after the certificate there is no certain ID",
    "unsupported_key": "AWS IoT takes RSA keys of at least 2048 bits and keys on P-256, P-384 and P-521",
    "unsupported_curve": "AWS IoT takes keys on P-256, P-384 and P-521",
    "weak_rsa_key": "AWS IoT refuses RSA keys below 2048 bits",
    "unsupported_signature": "AWS IoT takes RSA, RSASSA-PSS and ECDSA with SHA-256, SHA-384 or SHA-512",
    "md5_signature":
      "AWS IoT refuses signatures with MD5, which can be forged: have the certificate signed with SHA-256",
    "sha1_signature":
      "AWS IoT refuses signatures with SHA-1, which can be forged: have the certificate signed with SHA-256",
    "shared_key": "a key that two certificates share is a remark and never refused",
    "out_of_memory": "it says nothing of the certificate",
  ]

  /// The policies that have another name than the reason.
  private static let policies = [
    "unknown_version": "x509_version", "version_mismatch": "x509_version", "invalid_extension": "extension_form",
    "empty_issuer": "name_form", "empty_subject": "name_form", "invalid_name": "name_form",
  ]
}
