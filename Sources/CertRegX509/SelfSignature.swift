/// Whether a self-issued certificate is signed by its own key.
enum SelfSignature {
  /// Largest numbers, in bytes, that a stranger's key is computed with: RSA and DSA of 8192 bits cost some milliseconds.
  private static let largestKey = 1100

  /// What came of looking.
  enum Outcome: Equatable {
    /// The certificate was issued by another name, so there is nothing to compare with.
    case notSelfIssued
    case verified
    case notVerified
    /// The key is larger than what is computed with, or of a kind that is not.
    case skipped
  }

  static func check(_ fields: CertificateFields, _ certificate: borrowing OpenSSLCertificate) -> Outcome {
    guard fields.isSelfIssued else { return .notSelfIssued }
    guard isBounded(fields) else { return .skipped }
    guard let key = OpenSSLPublicKey(subjectPublicKeyInfo: fields.der[fields.subjectPublicKeyInfo.whole]) else {
      return .notVerified
    }
    return certificate.isSigned(by: key) ? .verified : .notVerified
  }

  /// Whether decoding the key and verifying with it are known to be quick.
  private static func isBounded(_ fields: CertificateFields) -> Bool {
    let parameters = fields.keyAlgorithm.parameters
    guard fields.key.count <= largestKey, (parameters?.whole.count ?? 0) <= 2 * largestKey else { return false }
    guard fields.keyAlgorithm.identifier == .ecPublicKey, let parameters, parameters.tag == DERTag.sequence else {
      return true
    }
    return ExplicitCurve.recognize(parameters, in: fields.der) != nil
  }
}
