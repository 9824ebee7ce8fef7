package import CertRegCore

/// Something that a certificate was found to be or to have.
package struct CertificateFinding: Hashable, Sendable {
  /// What it means for registering.
  package enum Severity: String, CaseIterable, Sendable {
    /// The certificate is refused.
    case error
    /// The certificate is accepted, but should be looked at.
    case warning
    /// Good to know.
    case note
  }

  /// The stable word for the finding.
  package var reason: CertificateReason
  /// How serious it is.
  package var severity: Severity
  /// The value found, and the value expected. Holds no text of the certificate unescaped.
  package var message: String
  /// Where the rule is written, such as `RFC 5280 section 4.1.2.5`.
  package var source: String

  package init(reason: CertificateReason, severity: Severity, message: String, source: String) {
    self.reason = reason
    self.severity = severity
    self.message = message
    self.source = source
  }

  /// What a check has thrown, which is a reason of ``CertificateReason``.
  init(_ error: ServiceError) {
    let reason = CertificateReason(rawValue: error.reason.rawValue) ?? .malformedDER
    self.init(reason: reason, severity: .error, message: error.message, source: reason.source)
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
    isExhaustive || rejects(policy)
  }

  private func rejects(_ policy: ValidationPolicy) -> Bool {
    policies[policy] == .reject
  }

  /// Reports a finding. It refuses the certificate if one of `governing` says `reject`, and always where there are
  /// none; else it is worth `otherwise`.
  ///
  /// - Throws: the refusal, unless the collector is exhaustive.
  mutating func report(
    _ reason: CertificateReason, under governing: [ValidationPolicy],
    otherwise: CertificateFinding.Severity = .warning, _ message: @autoclosure () -> String, source: String
  ) throws(ServiceError) {
    let isRefused = governing.isEmpty || governing.contains(where: rejects)
    try report(reason, isRefused ? .error : otherwise, message(), source: source)
  }

  /// Reports a finding of a severity that was decided elsewhere.
  ///
  /// - Throws: an error, unless the collector is exhaustive.
  mutating func report(
    _ reason: CertificateReason, _ severity: CertificateFinding.Severity, _ message: @autoclosure () -> String,
    source: String
  ) throws(ServiceError) {
    if isExhaustive {
      findings.append(CertificateFinding(reason: reason, severity: severity, message: message(), source: source))
    } else if severity == .error {
      throw reason.error(message())
    }
  }

  /// Notes what a check has thrown: nothing can be looked at after it.
  mutating func end(with error: ServiceError) {
    findings.append(CertificateFinding(error))
  }
}
