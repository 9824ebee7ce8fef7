package import CertRegCore

/// Something that a certificate was found to be or to have.
package struct CertificateFinding: Hashable, Sendable {
  /// What it means for registering.
  package enum Severity: String, CaseIterable, Sendable {
    /// The certificate is refused.
    case error
    /// The certificate is taken, but somebody should look at it.
    case warning
    /// Good to know.
    case note
  }

  package var reason: CertificateReason
  package var severity: Severity
  /// What is wrong with the value seen and what was expected. Holds no text of the certificate unescaped.
  package var message: String
  /// Where the rule is written, such as `RFC 5280 section 4.1.2.5`.
  package var source: String

  package init(reason: CertificateReason, severity: Severity, message: String, source: String) {
    self.reason = reason
    self.severity = severity
    self.message = message
    self.source = source
  }

  /// The finding as the error that refuses the certificate.
  package var error: ServiceError { reason.error(message) }
}

/// Takes what the checks find and decides by the policies what becomes of it.
struct FindingCollector {
  let policies: ValidationPolicies
  /// Whether to go on after a refusal and to run the checks that refuse nothing.
  let isExhaustive: Bool
  private(set) var findings: [CertificateFinding] = []

  init(policies: ValidationPolicies, isExhaustive: Bool) {
    self.policies = policies
    self.isExhaustive = isExhaustive
  }

  /// Whether a check that can report only under `policy` has to run.
  func needs(_ policy: ValidationPolicy) -> Bool {
    isExhaustive || policies[policy] == .reject
  }

  /// Reports a finding. It refuses the certificate where one of `governing` says `reject`, and always where there are none.
  ///
  /// - Throws: the refusal, unless the collector is exhaustive.
  mutating func report(
    _ reason: CertificateReason, under governing: [ValidationPolicy], _ message: @autoclosure () -> String,
    source: String
  ) throws(ServiceError) {
    let isRefused = governing.isEmpty || governing.contains { policies[$0] == .reject }
    if isExhaustive {
      findings.append(
        CertificateFinding(
          reason: reason, severity: isRefused ? .error : .warning, message: message(), source: source))
    } else if isRefused {
      throw reason.error(message())
    }
  }

  /// Reports something that refuses nothing.
  mutating func warn(
    _ reason: CertificateReason, severity: CertificateFinding.Severity = .warning, _ message: @autoclosure () -> String,
    source: String
  ) {
    guard isExhaustive else { return }
    findings.append(CertificateFinding(reason: reason, severity: severity, message: message(), source: source))
  }
}
