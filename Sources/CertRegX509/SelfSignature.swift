import CertRegCore

/// Whether a self-issued certificate is signed by its own key.
enum SelfSignature {
  /// Largest key and parameters, in bytes, of algorithms other than RSA that are computed with: DSA with 8192 bits
  /// costs some milliseconds. For RSA OpenSSL has limits of its own: moduli of 16384 bits, and short exponents above
  /// 3072.
  private static let largestKey = 1100
  private static let largestParameters = 2200
  /// Longest identifier of a key's algorithm, in bytes: OpenSSL looks for a decoder by its decimal form, which before
  /// 3.0.9 took time that grows with the square of its length (CVE-2023-2650).
  private static let longestIdentifier = 32

  /// What came of looking.
  enum Outcome: Equatable {
    /// The certificate was issued by another name, so there is nothing to compare with.
    case notSelfIssued
    case verified
    case notVerified
    /// The key is larger than what is computed with, or of a kind that is not.
    case skipped
  }

  static func check(
    _ fields: CertificateFields, _ certificate: borrowing OpenSSLCertificate
  ) throws(ServiceError) -> Outcome {
    guard fields.isSelfIssued else { return .notSelfIssued }
    guard isBounded(fields) else { return .skipped }
    guard let key = try OpenSSLPublicKey(subjectPublicKeyInfo: fields.der[fields.subjectPublicKeyInfo.whole]) else {
      return .notVerified
    }
    return try certificate.isSigned(by: key) ? .verified : .notVerified
  }

  /// Whether decoding the key and verifying with it are known to be quick.
  private static func isBounded(_ fields: CertificateFields) -> Bool {
    let identifier = fields.keyAlgorithm.identifier
    let parameters = fields.keyAlgorithm.parameters
    if identifier == .rsaEncryption { return true }
    guard identifier.encoded.count <= longestIdentifier, fields.key.count <= largestKey,
      (parameters?.whole.count ?? 0) <= largestParameters
    else { return false }
    // The keys of OpenSSL's elliptic-curve decoder: parameters that are spelled out reach it only where they are known.
    guard identifier == .ecPublicKey || identifier == .sm2, let parameters, parameters.tag == DERTag.sequence else {
      return true
    }
    return ExplicitCurve.recognize(parameters, in: fields.der) != nil
  }
}
