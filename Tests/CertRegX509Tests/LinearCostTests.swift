import CertRegCore
import CertRegTesting
import Testing

@testable import CertRegX509

/// What the verdict on a text or certificate of the greatest size costs compared with one of an eighth of it: eight
/// times as much where cost is linear, 64 times as much where it is quadratic.
@Suite struct LinearCostTests {
  private static let most = 24.0
  private static let validators = [ValidationPolicies(), .all(.allow), .all(.reject)].map {
    CertificateValidator(policies: $0)
  }

  /// A text that repeats a piece between two others.
  struct Text: Sendable, CustomTestStringConvertible {
    var testDescription: String
    var head = ""
    var piece: String
    var tail = ""

    func bytes(_ count: Int) -> [UInt8] {
      let pieces = (count - head.utf8.count - tail.utf8.count) / piece.utf8.count
      return Array(head.utf8) + Array(repeating: Array(piece.utf8), count: pieces).joined() + Array(tail.utf8)
    }
  }

  private static let begin = "-----BEGIN CERTIFICATE-----\n"
  private static let end = "\n-----END CERTIFICATE-----\n"
  private static let texts = [
    Text(testDescription: "one long line", head: begin, piece: "A", tail: end),
    Text(testDescription: "lines", head: begin, piece: String(repeating: "A", count: 64) + "\n", tail: end),
    Text(testDescription: "lines of one character", head: begin, piece: "A\n", tail: end),
    Text(testDescription: "blank lines", head: begin, piece: "\n", tail: end),
    Text(testDescription: "lone CRs", head: begin, piece: "A\r", tail: end),
    Text(testDescription: "white space", head: begin, piece: " \t", tail: end),
    Text(testDescription: "no END line", head: begin, piece: "AAAA\n"),
    Text(testDescription: "BEGIN lines", piece: begin),
    Text(testDescription: "END lines", piece: "-----END CERTIFICATE-----\n"),
    Text(testDescription: "empty blocks", piece: "-----BEGIN A-----\n-----END A-----\n"),
    Text(testDescription: "private keys", piece: "-----BEGIN PRIVATE KEY-----\n-----END PRIVATE KEY-----\n"),
    Text(testDescription: "a long label", head: "-----BEGIN ", piece: "A", tail: "-----\n"),
    Text(testDescription: "hyphens", piece: "-"),
    Text(testDescription: "beginnings of BEGIN lines", piece: "-----BEGIN"),
    Text(testDescription: "escaped line ends", head: "-----BEGIN CERTIFICATE-----", piece: #"\n"#),
    Text(testDescription: "NULs", piece: "\0"),
    Text(testDescription: "characters of four bytes", piece: "😀"),
    Text(testDescription: "base64 without a frame", piece: "QUFB"),
    Text(testDescription: "headers", head: begin, piece: "a: b\n", tail: end),
  ]

  @Test(arguments: texts) func `a text costs no more than in proportion to its length`(text: Text) {
    let full = CertificatePEM.maximumCharacters
    let growth = ProcessorTime.growth(from: full / 8, to: full, runs: 1) { judge(text.bytes($0)) }
    #expect(growth < Self.most)
  }

  @Test func `a text that is far too long costs no more than in proportion to its length`() {
    for piece in ["a", "é", "-----BEGIN A-----\n"] {
      let text = Text(testDescription: "", piece: piece)
      let growth = ProcessorTime.growth(from: 1 << 17, to: 1 << 20, runs: 1) { judge(text.bytes($0)) }
      #expect(growth < Self.most, "\(piece)")
    }
  }

  private func judge(_ text: [UInt8]) {
    text.withUnsafeBytes { text in
      for validator in Self.validators { _ = validator.report(on: text, now: .testNow) }
    }
  }

  fileprivate static func repeated(_ piece: [UInt8], upTo count: Int) -> [UInt8] {
    Array(repeating: piece, count: count / piece.count).flatMap { $0 }
  }

  /// A certificate in which one field fills so many bytes.
  enum Bulk: String, CaseIterable, Sendable, CustomTestStringConvertible {
    case attributes, attributesOfOneSet, longAttribute, longBMPString, longIdentifier, serialNumber,
      negativeSerialNumber
    case extensions, longExtension, modulus, exponent, point, signature, emptySets

    var testDescription: String { rawValue }

    func certificate(_ count: Int) -> [UInt8] {
      CertificateParts().with { parts in
        let attribute = DERWriter.sequence(DERWriter.identifier("2.5.4.3"), DERWriter.tlv(0x0c, [0x61]))
        switch self {
        case .attributes:
          parts.subject = DERWriter.tlv(0x30, LinearCostTests.repeated(DERWriter.set(attribute), upTo: count))
        case .attributesOfOneSet:
          parts.subject = DERWriter.sequence(DERWriter.tlv(0x31, LinearCostTests.repeated(attribute, upTo: count)))
        case .longAttribute:
          parts.subject = DERWriter.name([("2.5.4.3", 0x0c, LinearCostTests.repeated([0x2c], upTo: count))])
        case .longBMPString:
          parts.subject = DERWriter.name([("2.5.4.3", 0x1e, LinearCostTests.repeated([0x20, 0x2e], upTo: count))])
        case .longIdentifier:
          let type = DERWriter.tlv(0x06, LinearCostTests.repeated([0xff], upTo: count) + [0x01])
          parts.subject = DERWriter.sequence(DERWriter.set(DERWriter.sequence(type, DERWriter.tlv(0x0c, [0x61]))))
        case .serialNumber: parts.serialNumber = LinearCostTests.repeated([0x5a], upTo: count)
        case .negativeSerialNumber: parts.serialNumber = [0x80] + LinearCostTests.repeated([0], upTo: count)
        case .extensions:
          let entry = DERWriter.sequence(DERWriter.identifier("2.5.29.15"), DERWriter.octetString([]))
          parts.afterKey = CertificateParts.extensions(LinearCostTests.repeated(entry, upTo: count))
        case .longExtension:
          let value = DERWriter.octetString(LinearCostTests.repeated([0x30], upTo: count))
          parts.afterKey = CertificateParts.extensions(
            DERWriter.sequence(DERWriter.identifier("2.5.29.19"), value))
        case .modulus: parts.keyInfo = CertificateParts.rsaKeyInfo(modulus: CertificateParts.modulus(bits: 8 * count))
        case .exponent:
          parts.keyInfo = CertificateParts.rsaKeyInfo(
            modulus: CertificateParts.modulus(bits: 2048), exponent: [1] + LinearCostTests.repeated([1], upTo: count))
        case .point:
          parts.keyInfo = CertificateParts.ecKeyInfo(
            parameters: DERWriter.identifier("1.2.840.10045.3.1.7"),
            point: [4] + LinearCostTests.repeated([7], upTo: count))
        case .signature: parts.signature = DERWriter.bitString(LinearCostTests.repeated([0x5a], upTo: count))
        case .emptySets: parts.subject = DERWriter.tlv(0x30, LinearCostTests.repeated([0x31, 0x00], upTo: count))
        }
      }.der
    }
  }

  @Test(arguments: Bulk.allCases) func `a certificate costs no more than in proportion to its size`(bulk: Bulk) {
    let full = 48_000
    let certificates = [full / 8: bulk.certificate(full / 8), full: bulk.certificate(full)]
    let growth = ProcessorTime.growth(from: full / 8, to: full, runs: 1) { size in
      for validator in Self.validators { _ = try? validator.examine(der: certificates[size] ?? [], now: .testNow) }
    }
    #expect(growth < Self.most)
  }
}
