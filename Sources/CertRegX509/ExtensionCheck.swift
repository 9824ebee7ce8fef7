import CertRegCore

/// The rules of RFC 5280 about extensions that do not depend on what a relying party makes of them. The values of
/// extensions other than basicConstraints and keyUsage are not read.
enum ExtensionCheck {
  /// The fault of an extension whose value has another type than its own, or is not DER.
  static let notDER = "is not the DER encoding of its type"

  /// Reports at most one finding for each reason: a certificate of 64 KiB could have thousands of faults.
  ///
  /// - Returns: Whether the certificate is an authority's; `nil` if no policy needs the extensions.
  static func run(
    _ fields: CertificateFields, _ findings: inout FindingCollector
  ) throws(ServiceError) -> AuthorityClaim? {
    guard
      findings.needs(.repeatedExtension) || findings.needs(.extensionForm) || findings.needs(.certificateAuthority)
    else { return nil }
    let extensions = CertificateExtensions(fields)
    let authority = AuthorityClaim(extensions, in: fields)
    if findings.needs(.repeatedExtension), let repeated = extensions.repeated {
      try findings.report(
        .repeatedExtension, under: [.repeatedExtension],
        "the extension \(repeated.displayName) occurs more than once; parsers differ about the one that counts",
        source: "RFC 5280 section 4.2")
    }
    if findings.needs(.extensionForm), let (fault, source) = fault(in: extensions, of: fields, authority) {
      try findings.report(.invalidExtension, under: [.extensionForm], fault, source: source)
    }
    try report(authority, &findings)
    return authority
  }

  /// Reports whether the certificate is an authority's.
  static func report(_ authority: AuthorityClaim, _ findings: inout FindingCollector) throws(ServiceError) {
    let message: String
    switch authority {
    case .none: return
    case .authority:
      message = "this is the certificate of an authority; devices usually have certificates that are none"
    case .unknown:
      message = "the certificate may be an authority's: its basic constraints cannot be read"
    }
    try findings.report(
      .certificateAuthority, under: [.certificateAuthority], otherwise: .note, message,
      source: "RFC 5280 section 4.2.1.9")
  }

  private static func fault(
    in extensions: CertificateExtensions, of fields: CertificateFields, _ authority: AuthorityClaim
  ) -> (fault: String, source: String)? {
    if extensions.isEmptyList {
      return ("the list of extensions is empty; a certificate without extensions has none", "RFC 5280 section 4.1")
    }
    for entry in extensions.all(.basicConstraints) {
      guard let fault = BasicConstraints.fault(in: entry, of: fields) else { continue }
      return ("the extension basicConstraints \(fault)", "RFC 5280 section 4.2.1.9")
    }
    for entry in extensions.all(.keyUsage) {
      guard let fault = KeyUsage.fault(in: entry, of: fields, authority) else { continue }
      return ("the extension keyUsage \(fault)", "RFC 5280 section 4.2.1.3")
    }
    guard extensions.isComplete, extensions.entries.allSatisfy({ $0.value != nil }) else {
      return ("an extension is encoded in BER; DER is required", "X.690 sections 10.1 and 10.2")
    }
    return nil
  }
}
