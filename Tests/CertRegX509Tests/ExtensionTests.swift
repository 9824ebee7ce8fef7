import CertRegCore
import Testing

@testable import CertRegX509

/// The rules about extensions, and whether a certificate is an authority's however its extensions are encoded.
@Suite struct ExtensionTests {
  typealias Case = PolicyTests.Case

  private static let caTrue = DERWriter.sequence([1, 1, 0xff])
  private static let caAbsent = DERWriter.sequence()

  /// An extension with `value` as the content of its OCTET STRING.
  private static func entry(_ type: String, _ value: [UInt8]) -> [UInt8] {
    DERWriter.sequence(DERWriter.identifier(type), DERWriter.octetString(value))
  }
  private static func constraints(_ value: [UInt8]) -> [UInt8] { entry("2.5.29.19", value) }
  private static func usage(_ value: [UInt8]) -> [UInt8] { entry("2.5.29.15", value) }

  private static func having(_ list: [UInt8]...) -> @Sendable (inout CertificateParts) -> Void {
    let field = DERWriter.explicit(3, DERWriter.tlv(0x30, list.flatMap { $0 }))
    return { $0.afterKey = field }
  }

  private static func form(_ detail: String, _ list: [UInt8]...) -> Case {
    let field = DERWriter.explicit(3, DERWriter.tlv(0x30, list.flatMap { $0 }))
    return Case(.extensionForm, .invalidExtension, detail) { $0.afterKey = field }
  }

  private static let cases: [Case] = [
    Case(
      .repeatedExtension, .repeatedExtension, "basicConstraints occurs more than once",
      having(constraints(caAbsent), constraints(caAbsent))),
    Case(
      .repeatedExtension, .repeatedExtension, "1.2.3 occurs more than once",
      having(entry("1.2.3", [1]), constraints(caAbsent), entry("1.2.3", [2]))),
    Case(
      .repeatedExtension, .repeatedExtension, "1.2.20 occurs more than once",
      having((0..<40).flatMap { entry("1.2.\($0)", []) } + entry("1.2.20", []))),
    form("list of extensions is empty"),
    form("basicConstraints is not the DER encoding", constraints([])),
    form("basicConstraints is not the DER encoding", constraints(DERWriter.sequence(DERWriter.null))),
    form("basicConstraints is not the DER encoding", constraints(DERWriter.indefiniteTLV(0x30, []))),
    form("basicConstraints is not the DER encoding", constraints(DERWriter.sequence([2, 1, 0], [1, 1, 0xff]))),
    form("basicConstraints has bytes after its value", constraints(caAbsent + [0])),
    form("basicConstraints writes out the default", constraints(DERWriter.sequence([1, 1, 0]))),
    form("basicConstraints has a TRUE that is not FF", constraints(DERWriter.sequence([1, 1, 1]))),
    form("negative path length", constraints(DERWriter.sequence([1, 1, 0xff], [2, 1, 0x80]))),
    form("path of a certificate that is no authority's", constraints(DERWriter.sequence([2, 1, 0]))),
    form("basicConstraints is not the DER encoding", constraints(caAbsent), constraints([0])),
    form("basicConstraints is not the DER encoding", constraints(DERWriter.longTLV(0x30, []))),
    form(
      "basicConstraints is not the DER encoding", constraints(DERWriter.sequence([1, 1, 0xff], [2, 2, 0, 1]))),
    form("basicConstraints is not the DER encoding", constraints(DERWriter.sequence([1, 1, 0xff], [2, 0]))),
    form("keyUsage is not the DER encoding", usage(DERWriter.longTLV(0x03, [0, 0x80]))),
    form("keyUsage is not the DER encoding", usage(DERWriter.tlv(0x03, [1, 0x81]))),
    form("keyUsage is not the DER encoding", usage(DERWriter.tlv(0x03, []))),
    form("keyUsage has no bit set", usage(DERWriter.bitString([]))),
    form("keyUsage has no bit set", usage(DERWriter.bitString([0]))),
    form("keyUsage is not the DER encoding", usage([5, 0])),
    form("keyUsage has bytes after its value", usage(DERWriter.bitString([0x80]) + [0])),
    form("keyUsage has keyCertSign", usage(DERWriter.bitString([0x04]))),
    form("an extension is encoded in BER", DERWriter.indefiniteTLV(0x30, Array(entry("1.2.3", []).dropFirst(2)))),
    form(
      "an extension is encoded in BER",
      DERWriter.sequence(DERWriter.identifier("1.2.3"), DERWriter.tlv(0x24, DERWriter.octetString([1])))),
  ]

  @Test(arguments: cases)
  func `refuses where the policy rejects, and finds it in any case`(_ example: Case) throws {
    try PolicyTests.check(example)
  }

  private static let alternativeName = DERWriter.sequence(DERWriter.tlv(0x82, Array("a.example".utf8)))

  @Test(arguments: [true, false])
  func `a critical subjectAltName that is repeated without being critical stands for no subject`(_ isFirst: Bool) throws
  {
    let critical = DERWriter.sequence(
      DERWriter.identifier("2.5.29.17"), [1, 1, 0xff], DERWriter.octetString(Self.alternativeName))
    let other = Self.entry("2.5.29.17", Self.alternativeName)
    let der = CertificateParts().with {
      $0.subject = DERWriter.sequence()
      $0.afterKey = CertificateParts.extensions(isFirst ? critical + other : other + critical)
    }.der
    #expect(try PolicyTests.findings(der, ValidationPolicies()).map(\.reason) == [.emptySubject, .repeatedExtension])
  }

  private static let usual: [@Sendable (inout CertificateParts) -> Void] = [
    having(constraints(caAbsent), usage(DERWriter.bitString([0x80])), entry("1.2.3", []), entry("1.2.4", [])),
    having(usage(DERWriter.tlv(0x03, [7, 0, 0x80]))),
  ]

  @Test(arguments: usual.indices)
  func `finds nothing in extensions that RFC 5280 allows`(_ index: Int) throws {
    #expect(try PolicyTests.findings(CertificateParts().with(Self.usual[index]).der, ValidationPolicies()) == [])
  }

  @Test func `names one fault of a kind, however many there are`() throws {
    let entry = Self.constraints([0])
    let list = Array(repeating: entry, count: 2000).flatMap { $0 }
    let der = CertificateParts().with { $0.afterKey = CertificateParts.extensions(list) }.der
    let reasons = try PolicyTests.findings(der, ValidationPolicies()).map(\.reason)
    #expect(reasons == [.repeatedExtension, .invalidExtension, .certificateAuthority])
  }

  private static let authorities: [@Sendable (inout CertificateParts) -> Void] = [
    having(constraints(caTrue)), having(constraints(caAbsent), constraints(caTrue)),
    having(constraints(caTrue), constraints(caAbsent)), having(constraints([]), constraints(caTrue)),
    having(constraints(caAbsent), entry("1.2.3", []), constraints(DERWriter.sequence([1, 1, 1]))),
    having(constraints(caTrue + [0])), having(constraints(DERWriter.longTLV(0x30, [1, 1, 0xff]))),
    having(constraints(DERWriter.sequence([1, 1, 0xff], DERWriter.null))),
  ]

  @Test(arguments: authorities.indices)
  func `recognises an authority by any of its basic constraints`(_ index: Int) throws {
    let der = CertificateParts().with(Self.authorities[index]).der
    #expect(CertificateValidatorTests.reason(der) == nil)
    for policies in [ValidationPolicies(), .all(.allow), .all(.reject)] {
      let examination = try CertificateValidator(policies: policies).examine(der: der, now: .testNow)
      #expect(examination.description.isCA)
      #expect(examination.findings.contains { $0.reason == .certificateAuthority })
    }
    #expect(CertificateValidatorTests.reason(der, .with(.certificateAuthority, .reject)) == "ca_certificate")
  }

  private static let hidden: [@Sendable (inout CertificateParts) -> Void] = [
    having(constraints(DERWriter.indefiniteTLV(0x30, [1, 1, 0xff]))),
    having(
      DERWriter.sequence(DERWriter.identifier("2.5.29.19"), DERWriter.tlv(0x24, DERWriter.octetString(caTrue)))),
    having(DERWriter.indefiniteTLV(0x30, DERWriter.identifier("1.2.3") + [4, 0]), constraints(caTrue)),
    having(DERWriter.indefiniteTLV(0x30, DERWriter.identifier("2.5.29.19") + DERWriter.octetString(caTrue))),
  ]

  @Test(arguments: hidden.indices)
  func `no encoding that OpenSSL takes hides an authority from the policy`(_ index: Int) throws {
    let der = CertificateParts().with(Self.hidden[index]).der
    #expect(OpenSSLOracle.isAuthority(der) == true)
    #expect(CertificateValidatorTests.reason(der) == nil)
    #expect(CertificateValidatorTests.reason(der, .with(.certificateAuthority, .reject)) == "ca_certificate")
  }

  @Test func `a certificate that stays closed is no way round the policy`() {
    let parts = CertificateParts().with(Self.having(Self.constraints(Self.caTrue)))
    let content = parts.toBeSigned + parts.signedAlgorithm + parts.signature
    let closed = [
      DERWriter.indefiniteTLV(0x30, content),
      parts.with { $0.subject = DERWriter.indefiniteTLV(0x30, Array($0.subject.dropFirst(2))) }.der,
    ]
    for der in closed {
      var policies = ValidationPolicies.all(.allow)
      #expect(CertificateValidatorTests.reason(der, policies) == nil)
      policies[.certificateAuthority] = .reject
      #expect(CertificateValidatorTests.reason(der, policies) == "ca_certificate")
    }
  }

  @Test(arguments: 1...4)
  func `never overlooks an authority that OpenSSL sees`(_ seed: UInt64) {
    var generator = SplitMix64(seed: seed)
    let pieces: [[UInt8]] = [
      Self.caTrue, Self.caAbsent, [1, 1, 0xff], [1, 1, 0], [2, 1, 0], DERWriter.indefiniteTLV(0x30, [1, 1, 0xff]),
      DERWriter.longTLV(0x30, [1, 1, 1]), [0, 0], [],
    ]
    for round in 0..<400 {
      let entries = (0..<Int.random(in: 1...3, using: &generator)).map { _ -> [UInt8] in
        let value = (0..<Int.random(in: 1...2, using: &generator)).flatMap { _ in
          pieces.randomElement(using: &generator) ?? []
        }
        let octets =
          Bool.random(using: &generator)
          ? DERWriter.octetString(value) : DERWriter.tlv(0x24, DERWriter.octetString(value))
        let content = DERWriter.identifier("2.5.29.19") + octets
        return Bool.random(using: &generator)
          ? DERWriter.sequence(content) : DERWriter.indefiniteTLV(0x30, content)
      }
      let list = entries.flatMap { $0 }
      let der = CertificateParts().with { $0.afterKey = CertificateParts.extensions(list) }.der
      guard OpenSSLOracle.isAuthority(der) == true else { continue }
      let reason = CertificateValidatorTests.reason(der, .with(.certificateAuthority, .reject))
      #expect(reason == "ca_certificate", "seed \(seed), round \(round): \(lowercaseHex(list))")
    }
  }
}
