import CertRegCore
import Testing

@testable import CertRegX509

/// Policies beyond the checks of AWS IoT: their certificates are allowed by default, and `validate` reports them in any
/// case.
@Suite struct PolicyTests {
  struct Case: Sendable, CustomTestStringConvertible {
    let policy: ValidationPolicy
    let reason: CertificateReason
    let detail: String
    let change: @Sendable (inout CertificateParts) -> Void

    var testDescription: String { "\(policy.rawValue): \(detail)" }

    init(
      _ policy: ValidationPolicy, _ reason: CertificateReason, _ detail: String,
      _ change: @escaping @Sendable (inout CertificateParts) -> Void
    ) {
      self.policy = policy
      self.reason = reason
      self.detail = detail
      self.change = change
    }
  }

  private static func exponent(_ octets: [UInt8]) -> @Sendable (inout CertificateParts) -> Void {
    { $0.keyInfo = CertificateParts.rsaKeyInfo(modulus: CertificateParts.modulus(bits: 2048), exponent: octets) }
  }

  private static func subject(
    _ type: String, _ tag: UInt8, _ value: String
  ) -> @Sendable (inout CertificateParts) -> Void {
    { $0.subject = DERWriter.name([(type, tag, Array(value.utf8))]) }
  }

  private static let authority = CertificateParts.extensions(
    DERWriter.sequence(
      DERWriter.identifier("2.5.29.19"), DERWriter.octetString(DERWriter.sequence(DERWriter.tlv(0x01, [0xff])))))

  private static let emptySubject: @Sendable (inout CertificateParts) -> Void = {
    $0.subject = DERWriter.sequence()
    $0.afterKey = CertificateParts.extensions(
      DERWriter.sequence(DERWriter.identifier("2.5.29.17"), DERWriter.octetString(DERWriter.sequence())))
  }

  static let cases: [Case] = [
    Case(.rocaKey, .rocaKey, "can be factored") {
      $0.keyInfo = CertificateParts.rsaKeyInfo(modulus: ROCA.modulus(bytes: 257))
    },
    Case(.unusualExponent, .unusualExponent, "exponent is 3;", exponent([3])),
    Case(.unusualExponent, .unusualExponent, "exponent is 65535;", exponent([0, 0xff, 0xff])),
    Case(
      .unusualExponent, .unusualExponent, "exponent is 33 bytes long;", exponent([1] + Array(repeating: 1, count: 32))),
    Case(.rsaOddValues, .unsupportedKey, "even public exponent", exponent([1, 0, 0])),
    Case(.validityInverted, .validityInverted, "ends (2020-01-01T00:00:00.000Z) before") {
      $0.notBefore = DERWriter.utcTime("210101000000Z")
      $0.notAfter = DERWriter.utcTime("200101000000Z")
    },
    Case(.certificateAuthority, .certificateAuthority, "of an authority") { $0.afterKey = authority },
    Case(.serialNumber, .serialNumber, "is zero") { $0.serialNumber = [0] },
    Case(.serialNumber, .serialNumber, "is negative") { $0.serialNumber = [0x80] },
    Case(.serialNumber, .serialNumber, "takes 21 bytes") { $0.serialNumber = [UInt8](repeating: 1, count: 21) },
    Case(.nameForm, .emptyIssuer, "issuer is empty") { $0.issuer = DERWriter.sequence() },
    Case(.nameForm, .emptySubject, "no critical subjectAltName", emptySubject),
    Case(.nameForm, .invalidName, "subject's C has 3 characters", subject("2.5.4.6", 0x13, "GER")),
    Case(.nameForm, .invalidName, "subject's C is not a PrintableString", subject("2.5.4.6", 0x0c, "DE")),
    Case(
      .nameForm, .invalidName, "CN has 65 characters", subject("2.5.4.3", 0x0c, String(repeating: "ü", count: 65))),
    Case(.nameForm, .invalidName, "subject's name has an empty SET") {
      $0.subject = DERWriter.sequence(DERWriter.set(), Array(CertificateParts().subject.dropFirst(2)))
    },
    Case(.nameForm, .invalidName, "O has 0 characters", subject("2.5.4.10", 0x0c, "")),
    Case(.nameForm, .invalidName, "CN has characters that", subject("2.5.4.3", 0x13, "a@b")),
    Case(.nameForm, .invalidName, "CN has bytes that") { $0.subject = DERWriter.name([("2.5.4.3", 0x13, [0xff])]) },
    Case(
      .nameForm, .invalidName, "emailAddress is not an IA5String", subject("1.2.840.113549.1.9.1", 0x0c, "a@b.example")),
    Case(.nameForm, .invalidName, "issuer's serialNumber") {
      $0.issuer = DERWriter.name([("2.5.4.5", 0x16, Array("1".utf8))])
    },
  ]

  /// In a year in which even the certificate is valid whose validity is inverted, as far as one can be.
  private static let now = CivilTime.wallTime(year: 2020, month: 6, day: 1)

  /// The defaults, and what depends on the clock left out.
  private static func policies(_ change: (inout ValidationPolicies) -> Void) -> ValidationPolicies {
    var policies = ValidationPolicies()
    policies[.expired] = .allow
    policies[.notYetValid] = .allow
    change(&policies)
    return policies
  }

  static func findings(_ der: [UInt8], _ policies: ValidationPolicies) throws -> [CertificateFinding] {
    try CertificateValidator(policies: policies).examine(der: der, now: now).findings
  }

  @Test(arguments: cases)
  func `refuses where the policy rejects, and finds it in any case`(_ example: Case) throws {
    try Self.check(example)
  }

  /// Judges the example under its policy's two choices and the defaults otherwise.
  static func check(_ example: Case) throws {
    let der = CertificateParts().with(example.change).der
    let allowing = policies { $0[example.policy] = .allow }
    #expect(CertificateValidatorTests.reason(der, allowing, now: now) == nil)
    let allowed = try #require(try findings(der, allowing).first { $0.reason == example.reason })
    #expect(allowed.severity == (example.reason == .certificateAuthority ? .note : .warning))
    #expect(allowed.message.contains(example.detail), "\(allowed.message)")
    #expect(!allowed.source.isEmpty)

    let rejecting = policies { $0[example.policy] = .reject }
    #expect(CertificateValidatorTests.reason(der, rejecting, now: now) == example.reason.rawValue)
    let rejected = try #require(try findings(der, rejecting).first { $0.reason == example.reason })
    #expect(rejected.severity == .error)
  }

  @Test func `an authority is taken unless the policy rejects it`() {
    #expect(ValidationPolicies()[.certificateAuthority] == .allow)
  }

  private static let usual: [@Sendable (inout CertificateParts) -> Void] = [
    exponent([1, 0, 1]), subject("2.5.4.6", 0x13, "DE"), subject("2.5.4.3", 0x0c, String(repeating: "ü", count: 64)),
    subject("1.2.3.4", 0x0c, ""), subject("1.2.840.113549.1.9.1", 0x16, "a@b.example"),
    { $0.serialNumber = [UInt8](repeating: 1, count: 20) },
    {
      $0.subject = DERWriter.sequence()
      $0.afterKey = CertificateParts.extensions(
        DERWriter.sequence(
          DERWriter.identifier("2.5.29.17"), DERWriter.tlv(0x01, [0xff]), DERWriter.octetString(DERWriter.sequence())))
    },
  ]

  @Test(arguments: usual.indices)
  func `finds nothing in what RFC 5280 allows`(_ index: Int) throws {
    let der = CertificateParts().with(Self.usual[index]).der
    #expect(try Self.findings(der, ValidationPolicies()) == [])
  }

  @Test func `names a fault of a name once, however many there are`() throws {
    let attributes = Array(repeating: (type: "2.5.4.6", tag: UInt8(0x13), value: Array("GERMANY".utf8)), count: 1500)
    let der = CertificateParts().with {
      $0.subject = DERWriter.name(attributes)
      $0.issuer = DERWriter.name(attributes.dropLast())
    }.der
    #expect(der.count < CertificateValidator.maximumBytes)
    #expect(try Self.findings(der, ValidationPolicies()).map(\.reason) == [.invalidName, .invalidName])
  }
}
