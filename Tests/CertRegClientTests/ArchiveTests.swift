import CertRegCodec
import CertRegCore
import CertRegCrypto
import Foundation
import Testing

@testable import CertRegClient

/// The entries of a source: names, and PEM or what is wrong.
private func entries(_ path: String, format: ImportFormat? = nil) throws -> (ImportFormat, [ImportEntry]) {
  var (kind, source) = try ImportFormat.open(path, format: format)
  var entries: [ImportEntry] = []
  while let entry = try source.next() { entries.append(entry) }
  return (kind, entries)
}

private func pem(_ entry: ImportEntry) -> String? { try? entry.content.get() }

private func fault(_ entry: ImportEntry) -> String? {
  guard case .failure(let error) = entry.content else { return nil }
  return error.message
}

/// `value` in little-endian octets.
private func little(_ value: some FixedWidthInteger, _ count: Int) -> [UInt8] {
  (0..<count).map { UInt8(truncatingIfNeeded: UInt64(truncatingIfNeeded: value) >> UInt64(8 * $0)) }
}

/// Data as a deflate stream of one stored block (RFC 1951 section 3.2.4).
private func deflated(_ data: [UInt8]) -> [UInt8] {
  [1] + little(data.count, 2) + little(~data.count, 2) + data
}

private func gzipped(_ data: [UInt8]) -> [UInt8] {
  [0x1F, 0x8B, 8, 0, 0, 0, 0, 0, 0, 3] + deflated(data) + little(Inflater.crc32(data), 4) + little(data.count, 4)
}

/// An archive, with every number in it open to lies.
private struct ZipArchive {
  struct Member {
    var name: String
    var data: [UInt8]
    var method = 0
    var flags = 0
    var size: Int?
    var checksum: UInt32?
  }

  var members: [Member] = []
  var isZIP64 = false

  mutating func add(
    _ name: String, _ content: [UInt8], deflate: Bool = false, _ change: (inout Member) -> Void = { _ in }
  ) {
    var member = Member(name: name, data: deflate ? deflated(content) : content, method: deflate ? 8 : 0)
    member.size = content.count
    member.checksum = Inflater.crc32(content)
    change(&member)
    members.append(member)
  }

  var bytes: [UInt8] {
    var archive: [UInt8] = []
    var directory: [UInt8] = []
    for member in members {
      let common =
        little(member.flags, 2) + little(member.method, 2) + little(0, 4) + little(member.checksum ?? 0, 4)
      let sizes =
        isZIP64 ? little(-1, 8) : little(member.data.count, 4) + little(member.size ?? member.data.count, 4)
      let wide = little(member.size ?? member.data.count, 8) + little(member.data.count, 8) + little(archive.count, 8)
      let extra = isZIP64 ? [9, 9, 1, 0, 0] + little(1, 2) + little(wide.count, 2) + wide : []
      directory += little(0x0201_4B50, 4) + little(20, 2) + little(20, 2) + common + sizes
      directory += little(member.name.utf8.count, 2) + little(extra.count, 2) + little(3, 2) + little(0, 8)
      directory +=
        (isZIP64 ? little(-1, 4) : little(archive.count, 4)) + Array(member.name.utf8) + extra + Array("abc".utf8)
      archive +=
        little(0x0403_4B50, 4) + little(20, 2) + common + sizes + little(member.name.utf8.count, 2) + little(2, 2)
      archive += Array(member.name.utf8) + [0, 0] + member.data
    }
    let start = archive.count
    archive += directory
    if isZIP64 {
      let record = archive.count
      archive += little(0x0606_4B50, 4) + little(44, 8) + little(45, 2) + little(45, 2) + little(0, 8)
      archive += little(members.count, 8) + little(members.count, 8) + little(directory.count, 8) + little(start, 8)
      archive += little(0x0706_4B50, 4) + little(0, 4) + little(record, 8) + little(1, 4)
      return archive + little(0x0605_4B50, 4) + little(0, 4) + little(-1, 4) + little(-1, 8) + little(0, 2)
    }
    archive += little(0x0605_4B50, 4) + little(0, 4) + little(members.count, 2) + little(members.count, 2)
    return archive + little(directory.count, 4) + little(start, 4) + little(4, 2) + Array("note".utf8)
  }
}

@Suite struct ZipTests {
  private func read(_ archive: ZipArchive) throws -> [ImportEntry] {
    let folder = try TemporaryFolder()
    let file = try folder.write("a.zip", archive.bytes)
    let (kind, found) = try entries(file)
    #expect(kind == .zip)
    return found.map { entry in
      var entry = entry
      entry.name = entry.name.replacing(file + "/", with: "")
      return entry
    }
  }

  @Test(arguments: [false, true])
  func `reads what is stored and what is deflated, and passes over the rest`(isZIP64: Bool) throws {
    var archive = ZipArchive()
    archive.isZIP64 = isZIP64
    archive.add("lot 1/", [])
    archive.add("lot 1/a.der", Sample.certificate(1))
    archive.add("lot 1/b.txt", Array(Sample.certificatePEM(2).utf8), deflate: true)
    archive.add("__MACOSX/lot 1/._a.der", [0, 5, 0x16, 7])
    archive.add("key.pem", Array(Sample.pem("PRIVATE KEY", Sample.privateKey).utf8))
    archive.add("README", Array("nothing".utf8), deflate: true)
    archive.add("../../\u{1B}[2J.pem", Array((Sample.certificatePEM(3) + Sample.certificatePEM(4)).utf8))
    archive.add("empty.crt", [], deflate: true)
    let found = try read(archive)
    #expect(
      found.map(\.name) == [
        "lot 1/a.der", "lot 1/b.txt", "../../\u{1B}[2J.pem#1", "../../\u{1B}[2J.pem#2", "empty.crt",
      ])
    #expect(found.map(pem) == (1...4).map { Sample.certificatePEM($0) } + [nil])
    #expect(try read(ZipArchive()).isEmpty)
  }

  @Test func `says of each entry why it is not read, and goes on with the next`() throws {
    let text = Array(Sample.certificatePEM(1).utf8)
    var archive = ZipArchive()
    archive.add("encrypted.pem", text) { $0.flags = 1 }
    archive.add("aes.pem", text) { $0.method = 99 }
    archive.add("lzma.pem", text) { $0.method = 14 }
    archive.add("checksum.pem", text) { $0.checksum = 1 }
    archive.add("short.pem", text) { $0.size = text.count + 1 }
    archive.add("bomb.pem", [UInt8](repeating: 0x41, count: 60_000), deflate: true) { $0.size = 10 }
    archive.add("deflate.pem", text, deflate: true) { $0.data[0] = 7 }
    archive.add("cut.pem", text, deflate: true) { $0.data.removeLast() }
    archive.add("large.pem", text) { $0.size = 5 * 1024 * 1024 }
    archive.add("firmware.bin", text) { $0.size = 2_000_000_000 }
    archive.add("good.pem", text)
    let found = try read(archive)
    #expect(
      found.map { fault($0)?.split(separator: ":").first.map(String.init) } == [
        "encrypted", "encrypted", "compressed in a way that is not read (method 14)", "damaged in the archive",
        "damaged in the archive", "damaged in the archive", "the compressed data are damaged", "damaged in the archive",
        "larger than 4 MiB", nil,
      ])
    #expect(found.last?.name == "good.pem")
  }

  @Test func `says when there is no directory, or it lies outside the archive`() throws {
    var archive = ZipArchive()
    archive.add("a.der", Sample.certificate(1))
    let folder = try TemporaryFolder()
    for (change, expected) in [({ $0.removeLast(27) }, "breaks off"), ({ $0[$0.count - 9] = 0x7F }, "damaged")]
      as [((inout [UInt8]) -> Void, String)]
    {
      var bytes = archive.bytes
      change(&bytes)
      let file = try folder.write("a.zip", bytes)
      let error = #expect(throws: InputError.self) { _ = try entries(file) }
      #expect(error?.message.contains(expected) == true)
    }
    let error = #expect(throws: InputError.self) { _ = try ZipSource(path: FilePath("-")) }
    #expect(error?.message.contains("pipe") == true)
  }

  @Test func `never crashes on a damaged archive`() throws {
    let seed = UInt64.random(in: 0...UInt64.max)
    var generator = SplitMix64(seed: seed)
    let folder = try TemporaryFolder()
    for round in 0..<400 {
      var archive = ZipArchive()
      archive.isZIP64 = round % 2 == 1
      archive.add("a.der", Sample.certificate(1))
      archive.add("b.pem", Array(Sample.certificatePEM(2).utf8), deflate: true)
      var bytes = archive.bytes
      for _ in 0..<Int.random(in: 1...4, using: &generator) {
        let values: [UInt8] = [0, 1, 0x7F, 0x80, 0xFF, .random(in: 0...255, using: &generator)]
        bytes[Int.random(in: 0..<bytes.count, using: &generator)] = values.randomElement(using: &generator) ?? 0
      }
      if round % 5 == 0 { bytes.removeFirst(Int.random(in: 0..<bytes.count, using: &generator)) }
      let file = try folder.write("a.zip", bytes)
      // An error is as good as entries; a crash or an endless loop is what this looks for.
      let count = (try? entries(file, format: .zip).1.count) ?? 0
      #expect(count <= 2, "seed \(seed)")
    }
  }
}

@Suite struct GzipTests {
  private let table = "cert\n" + (1...3).map { Data(Sample.certificate($0)).base64EncodedString() + "\n" }.joined()

  @Test func `reads what is inside, by the name without its ending`() throws {
    let folder = try TemporaryFolder()
    for name in ["a.csv.gz", "a.CSV.GZ"] {
      let (kind, found) = try entries(try folder.write(name, gzipped(Array(table.utf8))))
      #expect(kind == .csv)
      #expect(found.map(pem) == (1...3).map { Sample.certificatePEM($0) })
    }
    #expect(FilePath("d/a.tgz").withoutExtension.description == "d/a.tar")
    #expect(FilePath("d.x/a").withoutExtension.description == "d.x/a")
  }

  @Test func `reads what gzip and tar write`() throws {
    let folder = try TemporaryFolder()
    for number in 0..<200 { try folder.write("in/\(number).der", Sample.certificate(UInt8(number))) }
    let archive = folder.path("a.tgz")
    let result = Program.run(
      ["tar", "-czf", archive, "--sort=name", "-C", folder.path("in"), "."],
      environment: ProcessInfo.processInfo.environment, timeout: .seconds(30))
    try #require(result?.status == 0, "tar and gzip are needed for this test")
    let (kind, found) = try entries(archive)
    #expect(kind == .tar)
    #expect(Set(found.map(pem)) == Set((0..<200).map { Sample.certificatePEM(UInt8($0)) }))
  }

  @Test func `reads members one after the other, and zeros behind them`() throws {
    let folder = try TemporaryFolder()
    let half = table.utf8.count / 2
    let bytes = Array(table.utf8)
    let file = try folder.write(
      "a.csv.gz", gzipped(Array(bytes[..<half])) + gzipped(Array(bytes[half...])) + [UInt8](repeating: 0, count: 512))
    #expect(try entries(file).1.map(pem) == (1...3).map { Sample.certificatePEM($0) })
  }

  @Test func `says when it breaks off or is damaged`() throws {
    let folder = try TemporaryFolder()
    let bytes = gzipped(Array(table.utf8))
    var damaged = bytes
    damaged[bytes.count - 8] ^= 1
    for (content, expected) in [
      (Array(bytes.dropLast(9)), "breaks off"), (damaged, "damaged"), (bytes + [1, 2, 3], "damaged"),
      (Array(bytes.prefix(5)), "breaks off"),
    ] {
      let file = try folder.write("a.csv.gz", content)
      let error = #expect(throws: InputError.self) { _ = try entries(file) }
      #expect(error?.message.contains(expected) == true)
    }
  }
}

@Suite struct TarDamageTests {
  private func header(_ name: String, size: String, type: Character = "0", magic: String = "ustar\u{0}00") -> [UInt8] {
    var block = [UInt8](repeating: 0, count: 512)
    block.replaceSubrange(0..<name.utf8.count, with: name.utf8)
    block.replaceSubrange(124..<(124 + size.utf8.count), with: size.utf8)
    block.replaceSubrange(148..<156, with: [UInt8](repeating: 0x20, count: 8))
    block[156] = type.asciiValue ?? 0
    block.replaceSubrange(257..<(257 + magic.utf8.count), with: magic.utf8)
    let sum = String(block.reduce(0) { $0 + Int($1) }, radix: 8)
    block.replaceSubrange(148..<(148 + sum.utf8.count), with: sum.utf8)
    block[148 + sum.utf8.count] = 0
    return block
  }

  private func padded(_ content: [UInt8]) -> [UInt8] {
    content + [UInt8](repeating: 0, count: (512 - content.count % 512) % 512)
  }

  @Test func `reads archives that are older than POSIX's`() throws {
    let folder = try TemporaryFolder()
    let content = Sample.certificate(1)
    let file = try folder.write(
      "a", header("a.der", size: String(content.count, radix: 8), magic: "") + padded(content))
    let (kind, found) = try entries(file)
    #expect(kind == .tar)
    #expect(found.map(pem) == [Sample.certificatePEM(1)])
  }

  @Test func `passes over what is too large, and says so where it is named like a certificate`() throws {
    let folder = try TemporaryFolder()
    let large = [UInt8](repeating: 0x41, count: 4 * 1024 * 1024 + 512)
    let size = String(large.count, radix: 8)
    let good = Sample.certificate(1)
    let file = try folder.write(
      "a.tar",
      header("a.pem", size: size) + large + header("b.bin", size: size) + large
        + header("c.der", size: String(good.count, radix: 8)) + padded(good))
    let found = try entries(file).1
    #expect(found.map(\.name) == ["\(file)/a.pem", "\(file)/c.der"])
    #expect(found.map(fault) == ["larger than 4 MiB: not read", nil])
  }

  @Test func `says when it is damaged or breaks off`() throws {
    let folder = try TemporaryFolder()
    let whole = header("a.der", size: "14") + padded(Sample.certificate(1))
    for content in [
      whole + header("b.der", size: "-1"), whole + header("b.der", size: "14").dropLast(),
      whole + header("b.der", size: "2000"),
      whole + header("x", size: "77777777777", type: "L"), whole + [UInt8](repeating: 0x41, count: 512),
    ] {
      let file = try folder.write("a.tar", Array(content))
      var (_, source) = try ImportFormat.open(file, format: nil)
      #expect(try source.next().flatMap(pem) == Sample.certificatePEM(1))
      #expect(throws: InputError.self) { _ = try source.next() }
    }
  }
}

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
      Array(Data(der).base64EncodedString().utf8),
    ]
    for content in forms { #expect(try CertificateFile(content: content).entries.map(\.pem) == expected) }
    let folder = try TemporaryFolder()
    for (index, content) in forms.enumerated() {
      let file = try folder.write("\(index)/a.p7b", content)
      let (kind, found) = try entries(file)
      #expect(kind == .pkcs7)
      #expect(found.map(pem) == expected)
      #expect(found[1].name == "\(file)#2")
    }
    #expect(try entries(folder.root).1.count == 80)
  }

  @Test func `reads it between certificates`() throws {
    let folder = try TemporaryFolder()
    let file = try folder.write(
      "a.pem",
      Sample.certificatePEM(1) + Sample.pem("PKCS7", Self.bundle([Sample.certificate(2), Sample.certificate(3)]))
        + Sample.certificatePEM(4))
    #expect(try entries(file).1.map(pem) == (1...4).map { Sample.certificatePEM($0) })
    #expect(
      try CertificateFile(content: Array(try Data(contentsOf: URL(fileURLWithPath: file)))).entries.map(\.pem)
        == (1...4).map { Sample.certificatePEM($0) })
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
      #expect(try entries(file).1.map(pem) == issuers.map { PEM.certificate(der: $0.der) })
    }
  }

  @Test func `says when there is nothing in it that can be read`() throws {
    let good = Self.bundle([Sample.certificate(1)])
    for content in [
      Self.bundle([]), Self.bundle([Sample.certificate(1)], type: Self.data), Array(good.dropLast()),
      Array(good.prefix(14)),
      Array(Sample.pem("PKCS7", good).utf8.prefix(60)) + Array("!\n".utf8),
    ] {
      let error = #expect(throws: InputError.self) { _ = try CertificateFile(content: content) }
      #expect(error?.code == .noCertificate)
    }
  }

  @Test func `never crashes on damaged or deeply nested ones`() throws {
    let seed = UInt64.random(in: 0...UInt64.max)
    var generator = SplitMix64(seed: seed)
    for round in 0..<2000 {
      var bytes = Self.bundle([Sample.certificate(1), Sample.certificate(2)], indefinite: round % 2 == 0)
      bytes[Int.random(in: 0..<bytes.count, using: &generator)] = .random(in: 0...255, using: &generator)
      bytes.removeLast(Int.random(in: 0..<bytes.count / 2, using: &generator))
      if let file = try? CertificateFile(content: bytes) { #expect(!file.entries.isEmpty, "seed \(seed)") }
    }
    let nested =
      [UInt8]([0x30, 0x80] + Self.signedData) + [UInt8](repeating: 0, count: 0)
      + (0..<50_000).flatMap { _ in [0xA0, 0x80] as [UInt8] }
    #expect(PKCS7Bundle(nested) == nil)
  }
}

@Suite struct ManifestSignatureTests {
  private struct Element {
    var payload: String
    var header: String
    var signature: String

    var json: String {
      let members = [("payload", payload), ("protected", header), ("signature", signature)]
      return JSON.object(members.map { JSON.Member($0.0, .string($0.1)) }).serialized()
    }
  }

  private static func url64(_ bytes: some Sequence<UInt8>) -> String {
    Data(bytes).base64EncodedString().replacing("+", with: "-").replacing("/", with: "_").replacing("=", with: "")
  }

  private func element(_ issuer: Issuer, header: String? = nil) throws -> Element {
    let digest = Self.url64(SHA256.digest(of: issuer.der).bytes)
    let header = Self.url64((header ?? #"{"alg":"ES256","typ":"JWT","kid":"x","x5t#S256":"\#(digest)"}"#).utf8)
    let certificate = Data(Sample.certificate(1)).base64EncodedString()
    let payload = Self.url64(#"{"uniqueId":"0123","publicKeySet":{"keys":[{"x5c":["\#(certificate)"]}]}}"#.utf8)
    return Element(
      payload: payload, header: header, signature: Self.url64(try issuer.signature(of: "\(header).\(payload)")))
  }

  private func faults(_ elements: [Element], _ signers: [Issuer]) throws -> [String?] {
    let folder = try TemporaryFolder()
    let file = try folder.write("m.json", "[" + elements.map(\.json).joined(separator: ",") + "]")
    let certificates = try signers.map { try SignerCertificate(der: $0.der) }
    var (_, source) = try ImportFormat.open(file, format: nil, signers: certificates)
    var faults: [String?] = []
    while let entry = try source.next() {
      #expect(entry.name.hasSuffix(" 0123") || fault(entry) != nil)
      if case .failure(let error) = entry.content { #expect(error.code == .wrongSignature) }
      faults.append(fault(entry))
    }
    return faults
  }

  @Test func `takes what the signer signed, and nothing that was changed`() throws {
    let folder = try TemporaryFolder()
    let signer = try Issuer(folder, "signer")
    let other = try Issuer(folder, "other")
    let good = try element(signer)
    var changed = good
    changed.payload = Self.url64(#"{"uniqueId":"9","publicKeySet":{"keys":[{"x5c":["MAA="]}]}}"#.utf8)
    var short = good
    short.signature = String(good.signature.dropLast(2))
    var flipped = good
    flipped.signature = (good.signature.hasPrefix("A") ? "B" : "A") + good.signature.dropFirst()
    var unsigned = good
    unsigned.signature = ""
    var zero = good
    zero.signature = Self.url64([UInt8](repeating: 0, count: 64))
    let notTheSigners = "the signature is not the signer's"
    #expect(
      try faults([good, changed, short, flipped, unsigned, zero], [signer]) == [
        nil, notTheSigners, notTheSigners, notTheSigners, notTheSigners, notTheSigners,
      ])
    let stranger = "signed by another certificate than those given with --signer"
    #expect(try faults([good, try element(other)], [signer]) == [nil, stranger])
    #expect(try faults([good, try element(other)], [other, signer]) == [nil, nil])
  }

  @Test func `takes no other algorithm, and asks every signer where none is named`() throws {
    let folder = try TemporaryFolder()
    let signer = try Issuer(folder, "signer")
    let other = try Issuer(folder, "other")
    let another = "signed in another way than with ES256"
    let elements = try [
      #"{"alg":"none"}"#, #"{"alg":"HS256"}"#, #"{"alg":"ES256","crit":["exp"]}"#, "{}", #"{"alg":"ES256"}"#, "x",
    ].map { try element(signer, header: $0) }
    #expect(
      try faults(elements, [other, signer]) == [another, another, another, another, nil, "not signed"])
  }
}
