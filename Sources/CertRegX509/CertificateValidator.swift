package import CertRegCore
import CertRegCrypto

/// The DER half of the verdict: whether a certificate can be registered, by AWS IoT's rules and the operator's
/// policies.
///
/// Every client that may connect to the socket can send this code any bytes. Chains are never built
/// (`X509_verify_cert`), no extension but basicConstraints and keyUsage is read, and the work of OpenSSL is bounded
/// beforehand.
package struct CertificateValidator: Sendable {
  /// Most bytes of DER that are looked at. What 65,536 characters of PEM can hold is less.
  package static let maximumBytes = 65_536

  private let policies: ValidationPolicies
  private let fingerprint: Int64
  private let seenKeys: SeenKeys?

  /// - Parameter seenKeys: the keys of the certificates that were judged so far; `nil`: they are not compared.
  package init(policies: ValidationPolicies, seenKeys: SeenKeys? = nil) {
    self.policies = policies
    self.seenKeys = seenKeys
    fingerprint = policies.fingerprint
  }

  /// Prepares the constants of the verdict ahead of the first one. Constants that lack of memory spoils would stay
  /// spoilt.
  ///
  /// - Returns: `false` if there is no memory for it.
  package static func prepare() -> Bool { EllipticCurve.supported.count == 3 }

  /// Judges a certificate at the time `now`.
  ///
  /// - Returns: The facts that the verdict depends on.
  /// - Throws: `CertificateValidationException` for the first finding that the policies reject.
  package func validate(
    der: [UInt8], certificateID: CertificateID? = nil, now: WallTime
  ) throws(ServiceError) -> VerdictBasis {
    var findings = FindingCollector(policies: policies, isExhaustive: false)
    let judgement = try judge(der, now: now, &findings)
    if let seenKeys, let key = judgement?.key { seenKeys.note(key, of: certificateID ?? SHA256.digest(of: der)) }
    return basis(judgement)
  }

  /// Examines a certificate: its content and all findings.
  ///
  /// - Throws: `CertificateValidationException` with reason `malformed_der` or `trailing_data` where the bytes are no
  ///   certificate.
  package func examine(der: [UInt8], now: WallTime) throws(ServiceError) -> CertificateExamination {
    var findings = FindingCollector(policies: policies, isExhaustive: true)
    return try examine(der, now: now, &findings)
  }

  /// Examines `text`, a value of `certificatePem`, and the certificate in it.
  package func report(on text: UnsafeRawBufferPointer, now: WallTime) -> CertificateReport {
    var findings = FindingCollector(policies: policies, isExhaustive: true)
    do throws(ServiceError) {
      let der = try CertificatePEM.decode(text, &findings)
      let examination = try examine(der, now: now, &findings)
      return CertificateReport(examination: examination, findings: findings.findings)
    } catch {
      findings.end(with: error)
      return CertificateReport(examination: nil, findings: findings.findings)
    }
  }

  private func examine(
    _ der: [UInt8], now: WallTime, _ findings: inout FindingCollector
  ) throws(ServiceError) -> CertificateExamination {
    let judgement = try judge(der, now: now, &findings)
    let certificateID = SHA256.digest(of: der)
    if let seenKeys, let key = judgement?.key, let other = seenKeys.note(key, of: certificateID) {
      try findings.report(
        .sharedKey, .warning,
        "the public key is also that of the certificate \(other.hex); unless one replaces the other, two devices share a key",
        source: "AWS IoT developer guide, X.509 client certificates")
    }
    return CertificateExamination(
      certificateID: certificateID,
      description: judgement?.description ?? CertificateDescription(unreadable: der), findings: findings.findings,
      basis: basis(judgement))
  }

  /// The first and the last time that a certificate can state, in place of a time that is not known.
  private static let earliest = CivilTime.wallTime(year: 0, month: 1, day: 1)
  private static let latest = CivilTime.wallTime(year: 9999, month: 12, day: 31, hour: 23, minute: 59, second: 59)

  private func basis(_ judgement: Judgement?) -> VerdictBasis {
    VerdictBasis(
      notBefore: judgement?.notBefore ?? CertificateValidator.earliest,
      notAfter: judgement?.notAfter ?? CertificateValidator.latest, policyFingerprint: fingerprint)
  }
}
