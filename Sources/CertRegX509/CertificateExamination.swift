package import CertRegCore

/// All that was found in a text: the answer of the operation `validate`.
package struct CertificateReport: Hashable, Sendable {
  /// `nil` if no certificate could be read from the text; the last finding says why.
  package var examination: CertificateExamination?
  /// Those of the text, then those of the certificate, in the order in which `register` would meet them.
  package var findings: [CertificateFinding]

  package init(examination: CertificateExamination?, findings: [CertificateFinding]) {
    self.examination = examination
    self.findings = findings
  }

  /// The error with which `register` would refuse the text; `nil` if it would register the certificate.
  package var refusal: ServiceError? {
    findings.first { $0.severity == .error }?.error
  }
}

/// All that is known about a certificate.
package struct CertificateExamination: Hashable, Sendable {
  /// SHA-256 of the DER encoding.
  package var certificateID: CertificateID
  package var description: CertificateDescription
  /// In the order in which `validate` would meet them.
  package var findings: [CertificateFinding]
  /// What the verdict depends on.
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

  /// The error with which the certificate would be refused; `nil` if it would be registered.
  package var refusal: ServiceError? {
    findings.first { $0.severity == .error }?.error
  }
}
