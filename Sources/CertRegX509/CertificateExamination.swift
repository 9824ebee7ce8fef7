package import CertRegCore

/// All that is known about a certificate: the answer of the operation `validate`.
package struct CertificateExamination: Hashable, Sendable {
  package var certificateID: CertificateID
  package var description: CertificateDescription
  /// In the order in which `validate` would meet them.
  package var findings: [CertificateFinding]
  package var basis: VerdictBasis

  package init(
    certificateID: CertificateID, description: CertificateDescription, findings: [CertificateFinding],
    basis: VerdictBasis
  ) {
    self.certificateID = certificateID
    self.description = description
    self.findings = findings
    self.basis = basis
  }

  /// The error with which the certificate would be refused; `nil` where it would be registered.
  package var refusal: ServiceError? {
    findings.first { $0.severity == .error }?.error
  }
}
