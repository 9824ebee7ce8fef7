import CertRegCodec
import Testing

@testable import CertRegClient

/// Texts that speak of certificates, and files of other programs, which are called by their names.
@Suite struct NamedContentTests {
  private static let block = Sample.certificatePEM(1)

  @Test(arguments: [
    "Copy everything from `-----BEGIN CERTIFICATE-----` to `-----END CERTIFICATE-----`:\n",
    "and the key (`-----BEGIN PRIVATE KEY-----`):\n", "It starts with -----BEGIN CERTIFICATE----- and has one block.\n",
  ]) func `takes no block that a sentence mentions for one`(sentence: String) throws {
    let entries = try fileEntries("a.md", "# How to\n\(sentence)\n```\n\(Self.block)```\n\(sentence)")
    #expect(entries.compactMap(pem) == [Self.block])
    #expect(entries.compactMap(fault) == [])
    #expect(Set(entries.compactMap(otherContent)) == [.text])
    let key = Sample.pem("PRIVATE KEY", Sample.privateKey)
    let withKey = try fileEntries("a.md", sentence + Self.block + sentence + key)
    #expect(withKey.compactMap(otherContent).contains(.privateKey))
  }

  @Test(arguments: [
    "The certificate of device 7 is -----BEGIN CERTIFICATE----- ", "certificate of device: ", "cert for it: `",
  ]) func `loses no block behind words`(words: String) throws {
    let body = Self.block.replacing("-----BEGIN CERTIFICATE-----\n", with: "")
    let begin = words.contains("BEGIN") ? "" : "-----BEGIN CERTIFICATE-----\n"
    let entries = try fileEntries("a.txt", words + begin + body)
    #expect(entries.compactMap(pem) == [Self.block])
    // A block without its content has failed.
    #expect(
      try fileEntries("a.txt", "the device cert: -----BEGIN CERTIFICATE----- -----END CERTIFICATE-----\n")
        .filter(\.isCertificateOrFailure).count == 1)
  }

  @Test(arguments: [
    (
      "CERTIFICATES\tarn:aws:iot:eu-central-1:123456789012:cert/\(Sample.id)\t\(Sample.id)\tACTIVE\n",
      OtherContent.certificateList
    ),
    ("certificates:\n- certificateArn: arn:aws-cn:iot:cn-north-1:123456789012:cert/\(Sample.id)\n", .certificateList),
    (
      "|ListCertificates|\n|| arn:aws:iot:eu-central-1:123456789012:cert/\(Sample.id) | \(Sample.id) ||\n",
      .certificateList
    ),
    (
      "Certificate:\n    Data:\n        Signature Algorithm: ecdsa\n        Subject: CN = device-1\n",
      .printedCertificate
    ),
    ("X509 Certificate:\nVersion: 3\nSerial Number: 12\nCertUtil: -dump command completed.\n", .printedCertificate),
    ("begin 644 dev.der\nM,((!73\"\" 02@\n`\nend\n", .uuencoded),
    ("\0\0\0\0CERT \0\0\0", .certificateStore), ("PAR1\u{1}\u{2}", .parquet),
    ("SQLite format 3\0", .database),
    ("-----BEGIN PGP MESSAGE-----\n\nhQEMA\n=abcd\n-----END PGP MESSAGE-----\n", .openPGPMessage),
  ]) func `says what a file is, and what helps`(text: String, expected: OtherContent) throws {
    for entry in try fileEntries("a", text) {
      guard case .failure(let error) = entry.content else {
        Issue.record("\(entry)")
        continue
      }
      #expect(error.otherContent == expected)
      #expect(error.advice != nil)
    }
    // In a text with a certificate nothing of that counts.
    if !text.contains("\0"), !text.hasPrefix("PAR1") {
      #expect(try fileEntries("a", text + Self.block).compactMap(pem) == [Self.block])
    }
  }

  @Test func `reads what psql continues with a sign`() throws {
    let lines = Self.block.split(separator: "\n")
    let cell = lines.enumerated().map { ($0 == 0 ? "cert | " : "     | ") + $1 + ($0 + 1 < lines.count ? "+" : "") }
    let text = "-[ RECORD 1 ]----\nid   | 7\n" + cell.joined(separator: "\n") + "\n"
    #expect(try fileEntries("a.txt", text).compactMap(pem) == [Self.block])
  }

  @Test func `reads entries of a manifest in the compact form`() throws {
    func url64(_ text: String) -> String {
      Base64.encode(Array(text.utf8)).replacing("=", with: "").replacing("+", with: "-").replacing("/", with: "_")
    }
    let lines = (UInt8(1)...2).map { number in
      let certificate = Base64.encode(Sample.certificate(number))
      let payload = #"{"uniqueId":"01A\#(number)","publicKeySet":{"keys":[{"x5c":["\#(certificate)"]}]}}"#
      return [#"{"alg":"ES256"}"#, payload].map(url64).joined(separator: ".") + ".AAAA"
    }
    #expect(try fileEntries("m.txt", lines.joined(separator: "\n") + "\n").map(\.deviceID) == ["01A1", "01A2"])
    let strings = "[" + lines.map { "\"\($0)\"" }.joined(separator: ",") + "]"
    #expect(try fileEntries("m.json", strings).map(\.deviceID) == ["01A1", "01A2"])
    let unreadable = #"[{"payload":"AAAA","protected":"e30","header":{"uniqueId":"01A3"},"signature":"AA"}]"#
    let entries = try fileEntries("m.json", unreadable)
    #expect(entries.map(\.deviceID) == ["01A3"])
    #expect(entries.compactMap(fault) == ["its payload cannot be read"])
  }
}
