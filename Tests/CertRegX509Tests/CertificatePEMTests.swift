import CertRegCodec
import CertRegCore
import Testing

@testable import CertRegX509

/// The text of one certificate and what may stand around it.
@Suite struct CertificatePEMTests {
  static let der = CertificateParts().der
  static let pem = PEM.certificate(der: der)
  static let body = pem.split(separator: "\n").dropFirst().dropLast().joined(separator: "\n")
  static let keyBlock = "-----BEGIN EC PRIVATE KEY-----\nMHcCAQEEIBsecretsecret00\n-----END EC PRIVATE KEY-----\n"

  /// What becomes of `text`: the DER, or the reason of the refusal.
  static func outcome(_ text: String, _ policies: ValidationPolicies = ValidationPolicies()) -> Result<
    [UInt8], ServiceError
  > {
    do throws(ServiceError) {
      return .success(try CertificatePEM.decode(text, policies: policies))
    } catch { return .failure(error) }
  }

  static func reason(_ text: String, _ policies: ValidationPolicies = ValidationPolicies()) -> String? {
    guard case .failure(let error) = outcome(text, policies) else { return nil }
    return error.reason.rawValue
  }

  private static let usual: [(String, String)] = [
    ("as it is", pem),
    ("CRLF", pem.replacing("\n", with: "\r\n")),
    ("no line end at the end", String(pem.dropLast())),
    ("blank lines around", "\n\n" + pem + "\n \n\t\n"),
    ("76 columns", rewrapped(76)),
    ("CRLF and 76 columns", rewrapped(76).replacing("\n", with: "\r\n")),
    ("short lines", rewrapped(20)),
  ]

  @Test(arguments: usual)
  func `takes a certificate in the usual spellings`(_ name: String, _ text: String) throws {
    #expect(try CertificatePEM.decode(text, policies: ValidationPolicies()) == Self.der, "\(name)")
    #expect(try CertificatePEM.decode(text, policies: .all(.reject)) == Self.der, "\(name), strictly")
  }

  static func rewrapped(_ width: Int) -> String {
    let base64 = Array(body.replacing("\n", with: ""))
    let lines = stride(from: 0, to: base64.count, by: width).map {
      String(base64[$0..<min($0 + width, base64.count)])
    }
    return "-----BEGIN CERTIFICATE-----\n" + lines.joined(separator: "\n") + "\n-----END CERTIFICATE-----\n"
  }

  private static let unusable: [(String, String)] = [
    ("", "empty"),
    (" \n\t\r\n", "not_pem"),
    ("word", "not_pem"),
    (body, "not_pem"),
    (pem.replacing("\n", with: "\\n"), "not_pem"),
    (pem.replacing("-----BEGIN", with: "----BEGIN"), "not_pem"),
    (pem.replacing("CERTIFICATE-----\n", with: "CERTIFICATE----\n"), "not_pem"),
    (pem.replacing("-----END CERTIFICATE-----", with: "-----END CERT-----"), "truncated_base64"),
    (pem.replacing("-----END CERTIFICATE-----\n", with: ""), "truncated_base64"),
    (String(pem.prefix(200)), "truncated_base64"),
    (pem.replacing(body, with: body.dropLast()), "truncated_base64"),
    (pem.replacing(body, with: "*" + body.dropFirst()), "truncated_base64"),
    (pem.replacing(body, with: "AA==" + body), "truncated_base64"),
    (pem.replacing(body, with: "Proc-Type: 4,CLEAR\n\n" + body), "truncated_base64"),
    (pem.replacing(body, with: body.replacing("\n", with: "\\n")), "truncated_base64"),
    (pem.replacing(body + "\n", with: ""), "no_certificate"),
    (pem + pem, "multiple_certificates"),
    (pem + pem.replacing("CERTIFICATE", with: "X509 CERTIFICATE"), "multiple_certificates"),
    (pem + keyBlock + pem, "multiple_certificates"),
    (pem + pem.replacing("CERTIFICATE", with: "TRUSTED CERTIFICATE"), "multiple_certificates"),
    (pem.replacing("CERTIFICATE", with: "TRUSTED CERTIFICATE") + pem, "multiple_certificates"),
    (pem.replacing("CERTIFICATE", with: "CERTIFICATE REQUEST"), "wrong_pem_label"),
    (pem.replacing("CERTIFICATE", with: "TRUSTED CERTIFICATE"), "wrong_pem_label"),
    (pem.replacing("CERTIFICATE", with: "certificate"), "wrong_pem_label"),
    (pem.replacing("CERTIFICATE", with: "PKCS7"), "wrong_pem_label"),
    (pem.replacing("CERTIFICATE", with: "X509 CRL"), "wrong_pem_label"),
    (keyBlock, "wrong_pem_label"),
  ]

  @Test(arguments: unusable)
  func `refuses what is not one certificate under every policy`(_ text: String, _ expected: String) {
    #expect(Self.reason(text) == expected)
    #expect(Self.reason(text, .all(.allow)) == expected)
    #expect(Self.reason(text, .all(.reject)) == expected)
  }

  private static let governed: [(ValidationPolicy, String, String)] = [
    (ValidationPolicy.explanatoryText, "text before\n" + pem, "not_pem"),
    (.explanatoryText, pem + "text after", "not_pem"),
    (.explanatoryText, "Grüße\n" + pem, "not_pem"),
    (.explanatoryText, "\u{feff}" + pem, "not_pem"),
    (.extraPEMBlock, pem + keyBlock, "extra_pem_block"),
    (.extraPEMBlock, keyBlock + pem, "extra_pem_block"),
    (.legacyPEMLabel, pem.replacing("CERTIFICATE", with: "X509 CERTIFICATE"), "wrong_pem_label"),
    (.pemStrictness, rewrapped(5000), "truncated_base64"),
    (.pemStrictness, pem.replacing("\n", with: " \t\n"), "truncated_base64"),
    (.pemStrictness, pem.replacing("-----\n", with: "----- \n"), "truncated_base64"),
    (.pemStrictness, pem.replacing("CERTIFICATE-----\nMI", with: "CERTIFICATE-----\n\nMI"), "truncated_base64"),
    (.pemStrictness, pem.replacing(body, with: " " + body), "truncated_base64"),
    (.pemStrictness, "  " + pem, "not_pem"),
    (.pemStrictness, pem.split(separator: "\n").map { "\t" + $0 + "\n" }.joined(), "not_pem"),
    (.pemStrictness, pem.replacing(body, with: body.replacing("\n", with: "\u{0c}\n")), "truncated_base64"),
    (.pemStrictness, pem.replacing(body, with: body.prefix(10) + "\n" + body.dropFirst(10)), "truncated_base64"),
  ]

  @Test(arguments: governed)
  func `each policy refuses or takes what it governs`(
    _ policy: ValidationPolicy, _ text: String, _ expected: String
  ) throws {
    #expect(try CertificatePEM.decode(text, policies: .all(.allow)) == Self.der)
    #expect(Self.reason(text, .with(policy, .reject)) == expected)
    var rest = ValidationPolicies.all(.allow)
    rest[policy] = .reject
    #expect(Self.reason(text, rest) == expected)
  }

  /// Found by fuzzing: OpenSSL reads a line as a C string, so that a NUL hides the rest of it from its base64 decoder.
  @Test func `takes a certificate beside a block with a NUL, as OpenSSL does`() throws {
    let text = keyBlockWithNUL + Self.pem
    var policies = ValidationPolicies.all(.allow)
    policies[.pemStrictness] = .openssl
    #expect(OpenSSLOracle.pemBytes(Array(text.utf8)) == Self.der)
    #expect(try CertificatePEM.decode(text, policies: policies) == Self.der)
    #expect(Self.reason(text) == "extra_pem_block")
    let inside = Self.pem.replacing("\nMI", with: "\n\0MI")
    #expect(Self.reason(inside, policies) == "truncated_base64")
  }

  private let keyBlockWithNUL = "-----BEGIN X-----\nAAAA\0*\nAAAA\n-----END X-----\n"

  private static let outsideGrammar: [(String, String)] = [
    ("before the boundary", " " + pem),
    ("blank lines inside", pem.replacing(body, with: body.replacing("\n", with: "\n\n"))),
    (
      "a blank line before long lines",
      rewrapped(76).replacing("CERTIFICATE-----\nMI", with: "CERTIFICATE-----\n\nMI")
    ),
    ("line ends of CR", pem.replacing("\n", with: "\r")),
  ]

  @Test(arguments: outsideGrammar)
  func `takes what OpenSSL does not read only where pem_strictness allows it`(_ name: String, _ text: String) throws {
    let reason = name == "before the boundary" ? "not_pem" : "truncated_base64"
    #expect(Self.reason(text) == reason, "\(name)")
    #expect(Self.reason(text, .with(.pemStrictness, .reject)) == reason, "\(name)")
    #expect(try CertificatePEM.decode(text, policies: .with(.pemStrictness, .allow)) == Self.der, "\(name)")
  }

  @Test func `counts code points, and the other units where length_unit rejects`() throws {
    let limit = CertificatePEM.maximumCharacters
    func padded(_ characters: Int, with filler: Character) -> String {
      String(repeating: filler, count: characters - Self.pem.unicodeScalars.count - 1) + "\n" + Self.pem
    }
    #expect(try CertificatePEM.decode(padded(limit, with: "x"), policies: ValidationPolicies()) == Self.der)
    #expect(Self.reason(padded(limit + 1, with: "x")) == "too_large")
    let emoji = padded(limit, with: "😀")
    #expect(try CertificatePEM.decode(emoji, policies: ValidationPolicies()) == Self.der)
    #expect(Self.reason(emoji, .with(.lengthUnit, .reject)) == "too_large")
    guard case .failure(let error) = Self.outcome(padded(limit + 1, with: "x")) else { return }
    #expect(error.kind == .invalidRequest)
    #expect(error.message.contains("65537"))
  }

  private static let keyTexts: [String] = [keyBlock, pem + keyBlock, pem + keyBlock + pem]

  @Test(arguments: keyTexts)
  func `warns of a private key and never repeats it`(_ text: String) {
    guard case .failure(let error) = Self.outcome(text) else {
      Issue.record("a text with a private key was taken")
      return
    }
    #expect(error.message.contains("private key"))
    #expect(error.message.contains("must never be sent here"))
    #expect(!error.message.contains("MHcCAQEE"))
    #expect(!error.message.contains("secret"))
  }

  private static let advice: [(String, String)] = [
    (body, "base64 without"),
    ("LS0tLS1CRUdJTiBDRVJUSUZJQ0FURS0tLS0tCk1JSUJ", "once more"),
    (pem.replacing("\n", with: "%0A"), "percent-encoded"),
    (pem.replacing(" ", with: "%20").replacing("\n", with: "\r\n"), "percent-encoded"),
    (pem.replacing("\n", with: " "), "not on a line of its own"),
    (pem.replacing("\n", with: "\\n"), "two characters"),
    ("0\u{82}\u{3}", "binary DER"),
    (pem.replacing("CERTIFICATE", with: "CERTIFICATE REQUEST"), "signing request"),
    (pem.replacing("CERTIFICATE", with: "PKCS7"), "openssl pkcs7"),
    (pem.replacing("CERTIFICATE", with: "certificate"), "capital letters"),
    (pem.replacing(body, with: body.replacing("\n", with: "-")), "hyphen"),
  ]

  @Test(arguments: advice)
  func `says what was sent instead`(_ text: String, _ advice: String) {
    var bytes = Array(text.utf8)
    if text.hasPrefix("0\u{82}") { bytes = [0x30, 0x82, 0x03] }
    let error: ServiceError? = bytes.withUnsafeBytes { buffer in
      do throws(ServiceError) {
        _ = try CertificatePEM.decode(buffer, policies: ValidationPolicies())
        return nil
      } catch { return error }
    }
    #expect(error?.message.contains(advice) == true, "\(error?.message ?? "")")
  }

  @Test func `shows labels without what could act on a terminal`() {
    let text = "-----BEGIN \u{1b}[31mKEY\u{7}-----\nAAAA\n-----END \u{1b}[31mKEY\u{7}-----\n"
    guard case .failure(let error) = Self.outcome(text) else { return }
    #expect(error.message.unicodeScalars.allSatisfy { $0.value >= 0x20 && $0.value != 0x7f })
  }
}
