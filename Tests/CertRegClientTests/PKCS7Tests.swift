import CertRegCodec
import CertRegCore
import CertRegCrypto
import Foundation
import Testing

@testable import CertRegClient

@Suite struct PKCS7Tests {
  private static let signedData: [UInt8] = [0x06, 0x09, 0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01, 0x07, 0x02]
  private static let data: [UInt8] = [0x06, 0x09, 0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01, 0x07, 0x01]

  /// An element with its length in as few octets as it needs, or none.
  private static func element(_ tag: UInt8, _ content: [UInt8], indefinite: Bool = false) -> [UInt8] {
    if indefinite { return [tag, 0x80] + content + [0, 0] }
    let length: [UInt8] =
      content.count < 0x80 ? [UInt8(content.count)] : [0x82, UInt8(content.count >> 8), UInt8(content.count & 255)]
    return [tag] + length + content
  }

  static func bundle(_ certificates: [[UInt8]], indefinite: Bool = false, type: [UInt8] = signedData) -> [UInt8] {
    func make(_ tag: UInt8, _ parts: [[UInt8]]) -> [UInt8] {
      element(tag, parts.flatMap(\.self), indefinite: indefinite)
    }
    let signed = make(
      0x30, [[0x02, 1, 1], make(0x31, []), make(0x30, [data]), make(0xA0, certificates), make(0x31, [])])
    return make(0x30, [type, make(0xA0, [signed])])
  }

  @Test(arguments: [false, true])
  func `finds the certificates, whatever form the lengths have`(indefinite: Bool) throws {
    let many = (0..<20).map { Sample.certificate($0) }
    let other: [UInt8] = [0xA1, 2, 0x05, 0]
    let der = Self.bundle(many + [other], indefinite: indefinite)
    let expected = many.map { PEM.certificate(der: $0) }
    let forms = [
      der, Array(Sample.pem("PKCS7", der).utf8), Array(Sample.pem("CMS", der).utf8),
      // As Microsoft's certification authority writes them.
      Array(Sample.pem("CERTIFICATE", der).utf8),
      Array(Data(der).base64EncodedString().utf8),
    ]
    let folder = try TemporaryFolder()
    for (index, content) in forms.enumerated() {
      let file = try folder.write("\(index)/a.p7b", content)
      #expect(try importEntries(file).map(pem) == expected)
    }
    #expect(try importEntries(folder.root).count == 20 * forms.count)
  }

  @Test func `reads it between certificates`() throws {
    let folder = try TemporaryFolder()
    let file = try folder.write(
      "a.pem",
      Sample.certificatePEM(1) + Sample.pem("PKCS7", Self.bundle([Sample.certificate(2), Sample.certificate(3)]))
        + Sample.certificatePEM(4))
    #expect(try importEntries(file).map(pem) == (1...4).map { Sample.certificatePEM($0) })
  }

  @Test func `reads what openssl writes`() throws {
    let folder = try TemporaryFolder()
    let issuers = try (0..<2).map { try Issuer(folder, "c\($0)") }
    for form in ["DER", "PEM"] {
      let file = folder.path("a.p7b")
      let result = Program.run(
        ["openssl", "crl2pkcs7", "-nocrl", "-outform", form, "-out", file]
          + issuers.flatMap { ["-certfile", $0.certificatePath] },
        environment: ProcessInfo.processInfo.environment, timeout: .seconds(30))
      #expect(result?.status == 0)
      var options = InputOptions()
      options.includesAuthorities = true
      #expect(try allEntries(file, options).map(pem) == issuers.map { PEM.certificate(der: $0.der) })
    }
  }

  @Test func `says when there is nothing in it that can be read`() throws {
    let folder = try TemporaryFolder()
    let good = Self.bundle([Sample.certificate(1)])
    for content in [
      Self.bundle([]), Self.bundle([Sample.certificate(1)], type: Self.data), Array(good.dropLast()),
      Array(good.prefix(14)),
      Array(Sample.pem("PKCS7", good).utf8.prefix(60)) + Array("!\n".utf8),
    ] {
      let found = try allEntries(try folder.write("a", content))
      #expect(found.count == 1)
      #expect(found.map(pem) == [nil])
    }
  }

  @Test(arguments: [false, true]) func `loses no certificate behind damage without a word`(indefinite: Bool) {
    let certificates = (0..<4).map { Sample.certificate($0 * 8) }
    let bundle = Self.bundle(certificates, indefinite: indefinite)
    for offset in bundle.indices {
      for value in [0x1F, 0x89, 0xFF, bundle[offset] ^ 0x40, bundle[offset] &+ 1] where value != bundle[offset] {
        // A tag of other things that are known is none that is damaged.
        if value == 0xA1 || value == 0x31 { continue }
        var damaged = bundle
        damaged[offset] = value
        let pieces = Piece.pieces(ofDER: damaged)
        let isWhole = Set(pieces.compactMap { $0.certificate?.der }).isSuperset(of: certificates)
        #expect(isWhole || pieces.contains(where: isUnusual), "byte \(offset) is \(value): \(pieces)")
      }
    }
    func isUnusual(_ piece: Piece) -> Bool {
      if let certificate = piece.certificate { return !certificates.contains(certificate.der ?? []) }
      return piece.isDamaged
    }
  }

  @Test func `takes the certificates before damage`() throws {
    let certificates = (0..<4).map { Sample.certificate($0) }
    var bundle = Self.bundle(certificates)
    let second = try #require(bundle.firstRange(of: certificates[1])).lowerBound
    bundle[second] = 0x1F
    let folder = try TemporaryFolder()
    for (index, content) in [bundle, Array(Sample.pem("PKCS7", bundle).utf8)].enumerated() {
      let found = try allEntries(try folder.write("\(index)", content))
      #expect(found.map(pem) == [PEM.certificate(der: certificates[0]), nil])
      #expect(fault(found[1])?.contains("36 bytes") == true)
    }
  }

  @Test func `what is no certificate takes no more memory than its file`() {
    let none: [UInt8] = [0x30, 0x00]
    let elements = Array(repeatElement(none, count: 200_000).joined())
    let length = [
      UInt8(0x83), UInt8(elements.count >> 16), UInt8(elements.count >> 8 & 255), UInt8(elements.count & 255),
    ]
    func wrap(_ tag: UInt8, _ content: [UInt8]) -> [UInt8] { [tag, 0x80] + content + [0, 0] }
    let data = [0x30, UInt8(Self.data.count)] + Self.data
    let signed = wrap(0x30, [0x02, 1, 1, 0x31, 0] + data + [0xA0] + length + elements + [0x31, 0])
    let flat = wrap(0x30, Self.signedData + wrap(0xA0, signed))
    #expect(Piece.pieces(ofDER: flat).count == 1)
    #expect(Piece.pieces(ofDER: elements).count <= 2)
    // Such encodings could be certificates.
    let many = Array(repeatElement([0x30, 0x02, 0x30, 0x00] as [UInt8], count: 100_000).joined())
    let pieces = Piece.pieces(ofDER: many)
    #expect(pieces.count <= Piece.maximumEncodings + 1)
    #expect(pieces.last?.isDamaged == true)
  }

  @Test func `never crashes on damaged or deeply nested ones`() throws {
    let seed = UInt64.random(in: 0...UInt64.max)
    var generator = SplitMix64(seed: seed)
    for round in 0..<2000 {
      var bytes = Self.bundle([Sample.certificate(1), Sample.certificate(2)], indefinite: round % 2 == 0)
      bytes[Int.random(in: 0..<bytes.count, using: &generator)] = .random(in: 0...255, using: &generator)
      bytes.removeLast(Int.random(in: 0..<bytes.count / 2, using: &generator))
      #expect(!Piece.pieces(ofDER: bytes).isEmpty, "seed \(seed)")
    }
    let nested =
      [UInt8]([0x30, 0x80] + Self.signedData) + [UInt8](repeating: 0, count: 0)
      + (0..<50_000).flatMap { _ in [0xA0, 0x80] as [UInt8] }
    #expect(PKCS7Bundle(nested) == nil)
  }
}
