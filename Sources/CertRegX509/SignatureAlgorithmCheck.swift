import CertRegCore

/// The checks of the signature algorithm, after "Certificate signing algorithms supported by AWS IoT" in the developer
/// guide.
enum SignatureAlgorithmCheck {
  private enum Standing {
    case supported
    case dsaSHA256
    case rsassaPSS
    case md5
    case sha1
    case other
  }

  private static let known: [ObjectIdentifier: (name: String, standing: Standing)] = [
    ObjectIdentifier(1, 2, 840, 113549, 1, 1, 11): ("SHA256WITHRSA", .supported),
    ObjectIdentifier(1, 2, 840, 113549, 1, 1, 12): ("SHA384WITHRSA", .supported),
    ObjectIdentifier(1, 2, 840, 113549, 1, 1, 13): ("SHA512WITHRSA", .supported),
    ObjectIdentifier(1, 2, 840, 10045, 4, 3, 2): ("ECDSA-WITH-SHA256", .supported),
    ObjectIdentifier(1, 2, 840, 10045, 4, 3, 3): ("ECDSA-WITH-SHA384", .supported),
    ObjectIdentifier(1, 2, 840, 10045, 4, 3, 4): ("ECDSA-WITH-SHA512", .supported),
    ObjectIdentifier(2, 16, 840, 1, 101, 3, 4, 3, 2): ("DSA_WITH_SHA256", .dsaSHA256),
    .rsassaPSS: ("RSASSA-PSS", .rsassaPSS),
    ObjectIdentifier(1, 2, 840, 113549, 1, 1, 4): ("MD5WITHRSA", .md5),
    ObjectIdentifier(1, 3, 14, 3, 2, 3): ("MD5WITHRSA (OIW)", .md5),
    ObjectIdentifier(1, 2, 840, 113549, 1, 1, 5): ("SHA1WITHRSA", .sha1),
    ObjectIdentifier(1, 3, 14, 3, 2, 29): ("SHA1WITHRSA (OIW)", .sha1),
    ObjectIdentifier(1, 2, 840, 10045, 4, 1): ("ECDSA-WITH-SHA1", .sha1),
    ObjectIdentifier(1, 2, 840, 10040, 4, 3): ("DSA_WITH_SHA1", .sha1),
    ObjectIdentifier(1, 3, 14, 3, 2, 27): ("DSA_WITH_SHA1 (OIW)", .sha1),
    ObjectIdentifier(1, 2, 840, 113549, 1, 1, 2): ("MD2WITHRSA", .other),
    ObjectIdentifier(1, 2, 840, 113549, 1, 1, 14): ("SHA224WITHRSA", .other),
    ObjectIdentifier(1, 2, 840, 10045, 4, 3, 1): ("ECDSA-WITH-SHA224", .other),
    ObjectIdentifier(2, 16, 840, 1, 101, 3, 4, 3, 1): ("DSA_WITH_SHA224", .other),
    ObjectIdentifier(1, 2, 156, 10197, 1, 501): ("SM2-WITH-SM3", .other),
    .ed25519: ("Ed25519", .other), .ed448: ("Ed448", .other),
  ]

  private static let required =
    "RSA, RSASSA-PSS, ECDSA with SHA-256, SHA-384 or SHA-512, or DSA with SHA-256 is required"
  private static let source = "AWS IoT developer guide, certificate signing algorithms"

  /// The algorithm's name in the spelling of AWS IoT's list, else its identifier.
  static func name(_ algorithm: CertificateFields.Algorithm, in der: [UInt8]) -> String {
    guard let (name, standing) = known[algorithm.identifier] else { return algorithm.identifier.dotted }
    guard standing == .rsassaPSS, let parameters = PSSParameters(algorithm.parameters, in: der) else { return name }
    return "\(name)-\(PSSParameters.digests[parameters.digest]?.name ?? parameters.digest.dotted)"
  }

  /// Reports what is wrong with `signatureAlgorithm`, and whether `tbsCertificate.signature` is another.
  static func run(_ fields: CertificateFields, _ findings: inout FindingCollector) throws(ServiceError) {
    let algorithm = fields.signatureAlgorithm
    func message() -> String {
      "the certificate is signed with \(name(algorithm, in: fields.der)); \(required)"
    }
    switch known[algorithm.identifier]?.standing ?? .other {
    case .supported: break
    case .dsaSHA256:
      try findings.report(.unsupportedSignature, under: [.dsaSHA256Signature], message(), source: source)
    case .rsassaPSS: try checkPSS(fields, &findings)
    case .md5: try findings.report(.md5Signature, under: [], message(), source: source)
    case .sha1: try findings.report(.sha1Signature, under: [], message(), source: source)
    case .other: try findings.report(.unsupportedSignature, under: [], message(), source: source)
    }
    if !fields.areEqual(algorithm, fields.signedAlgorithm) {
      let difference =
        algorithm.identifier == fields.signedAlgorithm.identifier
        ? "differ in their parameters"
        : "are \(name(algorithm, in: fields.der)) outside the signed part "
          + "and \(name(fields.signedAlgorithm, in: fields.der)) inside"
      try findings.report(
        .unsupportedSignature, under: [.sigalgMismatch],
        "the two signature algorithms of the certificate \(difference); they have to be the same",
        source: "RFC 5280 section 4.1.1.2")
    }
  }

  private static func checkPSS(
    _ fields: CertificateFields, _ findings: inout FindingCollector
  ) throws(ServiceError) {
    guard let parameters = PSSParameters(fields.signatureAlgorithm.parameters, in: fields.der) else {
      try findings.report(
        .unsupportedSignature, under: [], "the parameters of the RSASSA-PSS signature cannot be read; \(required)",
        source: "RFC 4055 section 3.1")
      return
    }
    let digest = PSSParameters.digests[parameters.digest]
    let name = digest?.name ?? parameters.digest.dotted
    guard let digest, digest.isSupported else {
      let reason: CertificateReason =
        switch parameters.digest {
        case .md5: .md5Signature
        case .sha1: .sha1Signature
        default: .unsupportedSignature
        }
      try findings.report(
        reason, under: [],
        "the certificate is signed with RSASSA-PSS and \(name); \(required)", source: source)
      return
    }
    if parameters.maskDigest != parameters.digest || parameters.saltLength != digest.length {
      let mask = parameters.maskDigest.map { PSSParameters.digests[$0]?.name ?? $0.dotted } ?? "another mask function"
      try findings.report(
        .unsupportedSignature, under: [.pssParams],
        "the RSASSA-PSS signature has \(name), MGF1 with \(mask) and a salt of \(parameters.saltLength) bytes; "
          + "the same digest for both and a salt of \(digest.length) bytes are required",
        source: "RFC 4055 section 3.1")
    }
  }
}
