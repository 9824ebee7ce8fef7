import CertRegCore

/// The checks of the version, and of the fields that a certificate of that version may have.
enum VersionCheck {
  static func run(_ fields: CertificateFields, _ findings: inout FindingCollector) throws(ServiceError) {
    guard let version = fields.version, (1...3).contains(version) else {
      let shown = fields.version.map { "\($0)" } ?? "of more than four bytes"
      try findings.report(
        .unknownVersion, under: [.x509Version], "the X.509 version is \(shown); version 3 is required",
        source: "RFC 5280 section 4.1.2.1")
      return
    }
    guard version < 3 else { return }
    try findings.report(
      .malformedDER, under: [.x509v1], "the certificate is X.509 version \(version); version 3 is required",
      source: "RFC 5280 section 4.1.2.1")
    if fields.extensions != nil {
      try findings.report(
        .versionMismatch, under: [.x509Version],
        "the certificate is X.509 version \(version) and has extensions, which only version 3 has",
        source: "RFC 5280 section 4.1.2.9")
    } else if fields.hasUniqueIdentifiers, version == 1 {
      try findings.report(
        .versionMismatch, under: [.x509Version],
        "the certificate is X.509 version 1 and has unique identifiers, which only versions 2 and 3 have",
        source: "RFC 5280 section 4.1.2.8")
    }
  }
}
