import CertRegCodec
import CertRegCore
import CertRegTesting
import Foundation
import Testing

@testable import CertRegClient

@Suite struct PEMTests {
  /// The pieces of a text, each as what becomes of it.
  private func outcomes(_ text: String) -> [String] {
    Value.pieces(text.utf8).map { piece in
      switch piece.content {
      case .certificate(let certificate): certificate.pem
      case .otherContent(let other): other.rawValue
      case .damaged(let error): "\(piece.line) \(error.reason)"
      }
    }
  }

  private let one = Sample.certificatePEM(1)
  private let two = Sample.certificatePEM(2)

  @Test func `takes blocks without the text around them`() {
    #expect(outcomes("Subject: CN=x\n" + one + "\ntext after\n") == [one])
    #expect(outcomes("Bag Attributes\n    friendlyName: x\n" + one + two) == [one, two])
  }

  static let dressings: [@Sendable (String) -> String] = [
    { $0 }, { $0.replacing("\n", with: "\\n") }, { $0.replacing("\n", with: "\\\\n") },
    { $0.replacing("\n", with: "\\r\\n") }, { $0.replacing("\n", with: " ") },
    { "  " + $0.replacing("\n", with: "\n  ") }, { "> " + $0.replacing("\n", with: "\n> ") },
    { "// " + $0.replacing("\n", with: "\n// ") }, { "# " + $0.replacing("\n", with: "\n# ") },
    { "const char c[] =\n\"" + $0.replacing("\n", with: "\\n\"\n\"") + "\";" },
    { "c = (\"" + $0.replacing("\n", with: "\\n\"\n     \"") + "\")" },
    { "let c = \"" + $0.replacing("\n", with: "\\n\" +\n  \"") + "\";" },
    { "c = b'" + $0.replacing("\n", with: "\\n'\n  b'") + "'" },
    { "#define C \"" + $0.replacing("\n", with: "\\n\" \\\n  \"") + "\"" },
    { "c = \"\"\"" + $0 + "\"\"\"" }, { "static const char c[] = R\"EOF(\n" + $0 + ")EOF\";" },
    { "cert: |\n    " + $0.replacing("\n", with: "\n    ") }, { "{\"c\":\"" + $0.replacing("\n", with: "\\n") + "\"}" },
  ]

  @Test(arguments: dressings.indices) func `takes a block however it is dressed`(index: Int) {
    let dress = Self.dressings[index]
    #expect(outcomes(dress(one)) == [one])
    #expect(outcomes(dress(one) + "\n" + dress(two)) == [one, two])
    #expect(
      outcomes(dress(Sample.pem("EC PRIVATE KEY", Sample.privateKey)) + "\n" + dress(two)) == ["private_key", two])
  }

  @Test(arguments: [
    "The block starts with \"-----BEGIN CERTIFICATE-----\".\n", "grep '-----BEGIN CERTIFICATE-----' x\nsome text\n",
    "It starts with \"-----BEGIN CERTIFICATE-----\" and ends with \"-----END CERTIFICATE-----\".\n",
  ])
  func `takes the blocks behind a text that quotes a BEGIN line`(text: String) {
    #expect(outcomes(text + one + two).suffix(2) == [one, two])
    #expect(outcomes(text + one + two).count == 2)
    // A literal that ends, and a block in plain lines behind it.
    let literal = "c = \"" + one.replacing("\n", with: "\\n") + "\";\n"
    #expect(outcomes(text + literal + two).suffix(2) == [one, two])
  }

  @Test(arguments: [
    "--- Device certificate ---", "# ---- Root CA certificate ----", "----- Begin of certificate list -----",
    "=== BEGIN DEVICE CERTIFICATES ===", "---- Zertifikatskette (certificate) ----",
  ])
  func `passes over headings between blocks`(heading: String) {
    #expect(outcomes("\(heading)\nsubject=CN = x\n\(one)\n\(heading)\n\(two)") == [one, two])
    #expect(outcomes(heading + "\n" + one + heading + "\n") == [one])
  }

  @Test func `reads line ends and characters in the escapes of several languages`() {
    let block = one.replacing("-", with: "\\u002D")
    for end in [
      "\\u000a", "\\u000D\\u000A", "\\x0a", "\\x0D\\x0A", "\\012", "\\015\\012", "&#10;", "&#xA;", "<br>", "<br />\n",
      "%0A",
    ] {
      #expect(outcomes(one.replacing("\n", with: end)) == [one], "\(end)")
      #expect(outcomes("<pem>" + one.replacing("\n", with: end) + "</pem>\n" + two) == [one, two], "\(end)")
    }
    #expect(outcomes(block) == [one])
    let url = one.replacing("\n", with: "%0A").replacing(" ", with: "%20").replacing("=", with: "%3D")
    #expect(outcomes("X-Client-Cert: \(url)\n") == [one])
  }

  @Test func `reads lines of base64 outside of blocks`() {
    let wrapped = Sample.wrapped(
      [0x30, 0x82, 0x00, 0x50] + Sample.certificate(7).dropFirst(2) + [UInt8](repeating: 5, count: 70))
    let three = Base64.encode(Sample.certificate(3))
    #expect(outcomes("\(three)\n\(three)\n" + one).count == 3)
    #expect(outcomes(one + "note:\n" + wrapped + "\n" + two).count == 3)
    #expect(outcomes(one + Base64.encode(Sample.privateKey + [UInt8](repeating: 0, count: 4)) + "\n") == [one])
    let key =
      [0x30, 0x0E, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06, 0x03, 0x2B, 0x65, 0x70, 0x04, 0x02, 0x04, 0x00] as [UInt8]
    #expect(outcomes(one + Base64.encode(key) + "\n") == [one, "private_key"])
    #expect(outcomes(one + "PuTTY-User-Key-File-3: ssh-rsa\n") == [one, "private_key"])
  }

  @Test func `sends nothing of a block behind what cannot be read`() {
    let lines = one.split(separator: "\n")
    let text = "\(lines[0])\n\(lines[1])\n"
    #expect(outcomes(text + "tls.pass: secret\n") == [text + "tls.\n"])
    #expect(outcomes(text + "tls.pass: secret\n\(lines[2])\n") == [text + "tls.\n\(lines[2])\n"])
  }

  @Test func `takes blocks apart that are joined`() {
    #expect(outcomes(String(one.dropLast()) + two) == [one, two])
    #expect(outcomes(String(Sample.pem("PRIVATE KEY", Sample.privateKey).dropLast()) + two) == ["private_key", two])
  }

  @Test(arguments: [
    "-----BeGIN CERTIFICATE-----", "----BEGIN CERTIFICATE-----", "-----BEGIN CERTIFICATE----", "-----BEGIN CERTIFICATE",
    "BEGIN CERTIFICATE-----",
    "------BEGIN CERTIFICATE-----", "-----BEGINCERTIFICATE-----", "----- BEGIN CERTIFICATE -----",
    "-----BEGIN CERTIFICAT-----", "-----BEGN CERTIFICATE-----", "—–BEGIN CERTIFICATE—–", "BEGIN CERTIFICATE",
    "-----BEGIN  CERTIFICATE-----", "—-BEGIN CERTIFICATE—-", "-----BEGIN_CERTIFICATE-----",
    "-----BEGIN-CERTIFICATE-----", "-----BEGIN\tCERTIFICATE-----", "-----BEGIN CERTFICATE-----",
    "-----BEGIN ERTIFICATE-----", "-----BEGIN CERTlFICATE-----", "-----BEGIN CERTI FICATE-----",
    "-----BEGIN CETRIFICATE-----", "-----BEGIN X509 CRTIFICATE-----", "-----BEGIN CERT-----", "-----BEGIN CRT-----",
    "-----BEGIN DEVICE-----",
  ])
  func `fails a block whose BEGIN line is damaged, and takes the others`(line: String) {
    let damaged = line + two.dropFirst("-----BEGIN CERTIFICATE-----".count)
    let place = 1 + one.split(separator: "\n").count
    #expect(outcomes(one + damaged + one) == [one, "\(place) damaged_pem", one])
    // END is damaged in the same way.
    let both = damaged.replacing("-----END CERTIFICATE-----", with: line.replacing("BEGIN", with: "END"))
    #expect(outcomes(one + both + one) == [one, "\(place) damaged_pem", one])
  }

  @Test func `fails a block whose END line is damaged, and one without BEGIN`() {
    let damaged = one.replacing("-----END CERTIFICATE-----", with: "----END CERTIFICATE-----")
    #expect(outcomes(damaged + two) == ["1 damaged_pem", two])
    #expect(outcomes(two + one.drop { $0 != "\n" }.dropFirst() + two) == [two, "5 damaged_pem", two])
  }

  @Test(arguments: ["PRIVATE KEY", "RSA PRIVATE KEY", "EC PRIVATE KEY", "ENCRYPTED PRIVATE KEY", "OPENSSH PRIVATE KEY"])
  func `never takes a private key for a certificate`(label: String) {
    let key = Sample.pem(label, Sample.privateKey)
    #expect(outcomes(key) == ["private_key"])
    // A certificate's first line with a key's last one is what a careless edit leaves behind.
    #expect(outcomes("-----BEGIN CERTIFICATE-----\nAAAA\n-----END \(label)-----\n") == ["private_key"])
    #expect(outcomes("-----BEGIN \(label)-----\nAAAA\n-----END CERTIFICATE-----\n") == ["private_key"])
    // A certificate without an end must not take the key that follows with it.
    #expect(
      outcomes("-----BEGIN CERTIFICATE-----\nAAAA\n" + key) == ["-----BEGIN CERTIFICATE-----\nAAAA\n", "private_key"])
    // A key that claims to be a certificate.
    #expect(outcomes(Sample.pem("CERTIFICATE", Sample.privateKey)) == ["private_key"])
  }

  @Test(arguments: [
    ("CERTIFICATE REQUEST", "certificate_request"), ("NEW CERTIFICATE REQUEST", "certificate_request"),
    ("PUBLIC KEY", "public_key"), ("X509 CRL", "revocation_list"), ("EC PARAMETERS", "parameters"),
    ("PGP MESSAGE", "openpgp_message"), ("SOMETHING", "other_block"),
  ])
  func `calls other blocks what they are`(label: String, reason: String) {
    #expect(outcomes(Sample.pem(label, [0x05, 0x00]) + one) == [reason, one])
  }

  @Test func `a label that was to be that of a certificate tells it without the body`() {
    for label in ["CERTFICATE", "CERIFICATE", "ERTIFICATE", "CERTI FICATE", "CERT", "DEVICE CRT"] {
      #expect(outcomes(Sample.pem(label, [0x05, 0x00]) + one) == ["1 damaged_pem", one], "\(label)")
    }
    for label in ["NOTICE", "LICENSE CODE", "CERTFICATE REQUEST", "SIGNATURE"] {
      #expect(outcomes(Sample.pem(label, [0x05, 0x00]) + one) == ["other_block", one], "\(label)")
    }
  }

  @Test func `says which command takes a certificate with what OpenSSL trusts it for`() {
    let trusted =
      Sample.certificate(1) + [0x30, 0x10, 0x30, 0x0A, 0x06, 0x08, 0x2B, 6, 1, 5, 5, 7, 3, 2, 0x0C, 2, 0x58, 0x31]
    for more in [trusted, trusted.dropLast(4)] {
      let pieces = Value.pieces((Sample.pem("TRUSTED CERTIFICATE", Array(more)) + one).utf8)
      guard case .damaged(let error)? = pieces.first?.content else { return #expect(Bool(false), "\(pieces)") }
      #expect(error.advice == "openssl x509 -in FILE | certregctl register -" && pieces.count == 2)
    }
  }

  @Test func `fails a block with a hyphen in front of each line`() throws {
    let issuer = try Issuer(try TemporaryFolder(), "d")
    let lines = String(decoding: issuer.certificatePEM, as: UTF8.self).split(separator: "\n")
    let removed = lines.map { "-\($0)\n" }.joined()
    #expect(outcomes("--- a/d.pem\n+++ b/d.pem\n" + removed + one) == ["3 damaged_pem", one])
  }

  /// What openssl writes for these arguments.
  private func openssl(_ folder: TemporaryFolder, _ arguments: [String]) throws -> [UInt8] {
    let out = folder.path("out")
    let result = Program.run(
      ["openssl"] + arguments + ["-out", out], environment: ProcessInfo.processInfo.environment, timeout: .seconds(60))
    try #require(result?.status == 0, "openssl is needed for this test")
    return Array(try Data(contentsOf: URL(fileURLWithPath: out)))
  }

  @Test func `calls requests and revocation lists what they are, in every form`() throws {
    let folder = try TemporaryFolder()
    let issuer = try Issuer(folder, "ca")
    let settings = try folder.write(
      "ca.cnf",
      "[ca]\ndefault_ca=d\n[d]\ndatabase=\(folder.path("index.txt"))\ndefault_md=sha256\ndefault_crl_days=9\n")
    try folder.write("index.txt", "")
    let list = try openssl(
      folder,
      ["ca", "-gencrl", "-config", settings, "-cert", issuer.certificatePath, "-keyfile", folder.path("ca.key")])
    let request = ["req", "-new", "-nodes", "-keyout", folder.path("k"), "-newkey"]
    let elliptic = ["ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-subj", "/CN=d"]
    let files = try [
      (list, OtherContent.revocationList), (openssl(folder, request + elliptic), .certificateRequest),
      (openssl(folder, request + ["rsa:2048", "-subj", "/CN=d"]), .certificateRequest),
      (openssl(folder, request + ["rsa:2048", "-subj", "/"]), .certificateRequest),
    ]
    for (content, other) in files {
      let text = String(decoding: content, as: UTF8.self)
      let base64 = text.split(separator: "\n").dropFirst().dropLast().joined(separator: "\n")
      let der = try #require(Base64.decodeAnyForm(base64.utf8))
      #expect(outcomes(text + one) == [other.rawValue, one])
      #expect(outcomes(base64) == [other.rawValue])
      #expect(Piece.pieces(ofDER: der).map(\.content) == [.otherContent(other)])
      // With the label of a certificate it was to be one.
      let label = Sample.pem("CERTIFICATE", der)
      #expect(outcomes(label + one) == ["1 \(other.rawValue)", one])
      let damaged = outcomes(text.replacing("-----BEGIN", with: "----BEGIN"))
      #expect(damaged == ["1 no_certificate"])
    }
  }

  @Test func `calls parameters what they are, though they begin as keys do`() {
    let prime = [0x02, 0x11, 0x00] + [UInt8](repeating: 0xFF, count: 16)
    let withLength = [0x30, 0x1A] + prime + [0x02, 0x01, 0x02, 0x02, 0x02, 0x00, 0xE1]
    #expect(outcomes(Sample.pem("DH PARAMETERS", withLength)) == ["parameters"])
    let explicit: [UInt8] = [0x30, 0x0F, 0x02, 1, 1, 0x30, 0x0A, 0x06, 0x08, 0x2A, 0x86, 0x48, 0xCE, 0x3D, 1, 1, 0]
    #expect(outcomes(Sample.pem("EC PARAMETERS", explicit)) == ["parameters"])
  }

  @Test func `a line too many makes no other certificate`() throws {
    var generator = SplitMix64.announced("lines")
    let folder = try TemporaryFolder()
    for key in [["rsa:2048"], ["ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"]] {
      let issuer = try Issuer(folder, "d", key)
      let lines = String(decoding: issuer.certificatePEM, as: UTF8.self).split(separator: "\n").map(String.init)
      let random = [16, 48, 48].map { count in
        Base64.encode((0..<count).map { _ in UInt8.random(in: 0...255, using: &generator) })
      }
      let texts = ["a text that is as long as a line of 64 characters", "text"].map { Base64.encode(Array($0.utf8)) }
      let zeros = Base64.encode([UInt8](repeating: 0, count: 48))
      for line in lines.dropFirst().dropLast() + random + texts + [zeros, "AAAA"] {
        for index in 1..<lines.count {
          let block = lines[..<index] + [line] + lines[index...]
          let forms = [block.joined(separator: "\n"), block.dropFirst().dropLast().joined(separator: "\n")]
          for pieces in forms.map({ Value.pieces(($0 + "\n").utf8) }) {
            for der in pieces.compactMap({ $0.certificate?.der }) where der != issuer.der {
              // The daemon refuses an encoding that is longer or shorter than its header says.
              #expect(DERElements.declaredLength(der[...]) != der.count, "line \(index): \(line)")
            }
          }
        }
      }
    }
  }

  @Test func `leaves to the daemon what only looks like a certificate`() {
    for text in ["-----BEGIN CERTIFICATE-----\nAA!\n", Sample.pem("X509 CERTIFICATE", [1, 2, 3, 4])] {
      #expect(outcomes(text) == [text])
    }
  }

  @Test func `reads base64, digits and data URLs of DER`() {
    let base64 = one.split(separator: "\n")[1]
    let digits = Sample.certificate(1).map { hexadecimal(UInt32($0), digits: 2) }.joined()
    for text in [" \(base64)\r\n", "\"\(base64)\"", "data:application/x-x509-ca-cert;base64,\(base64)", digits] {
      #expect(outcomes(text) == [one])
    }
    #expect(outcomes(Base64.encode(Array(one.utf8))) == [one])
    #expect(outcomes("MACHINE-00000001").isEmpty)
  }

  @Test func `never crashes on cut or changed texts, and finds something in each`() throws {
    let seed = UInt64.random(in: 0...UInt64.max)
    var generator = SplitMix64(seed: seed)
    let original = Array((one + Self.dressings[9](two) + Sample.pem("PRIVATE KEY", Sample.privateKey)).utf8)
    for _ in 0..<2000 {
      var bytes = original
      bytes.removeLast(Int.random(in: 0...30, using: &generator))
      bytes[Int.random(in: 0..<bytes.count, using: &generator)] = UInt8.random(in: 0...255, using: &generator)
      let pieces = Value.pieces(bytes)
      #expect(!pieces.isEmpty, "seed \(seed)")
      let sent = pieces.compactMap(\.certificate?.pem).joined()
      #expect(!sent.contains(Base64.encode(Sample.privateKey)), "seed \(seed)")
    }
  }
}
