import CertRegArchive
import CertRegCodec
import CertRegCrypto
import CertRegTesting
import Foundation
import Glibc
import Testing

@testable import CertRegClient

/// Sources that can be read only once, and what is behind or around the data of others.
@Suite struct SpecialSourceTests {
  private static let text = (0..<200).map { Sample.certificatePEM($0) }.joined()

  /// A FIFO that a thread fills.
  private func fifo(_ folder: TemporaryFolder, _ content: [UInt8]) throws -> String {
    let path = folder.path("fifo")
    try #require(mkfifo(path, 0o600) == 0)
    Thread.detachNewThread {
      let descriptor = open(path, O_WRONLY | O_CLOEXEC)
      var offset = 0
      while offset < content.count {
        let count = content[offset...].withUnsafeBytes { write(descriptor, $0.baseAddress, $0.count) }
        if count <= 0 { break }
        offset += count
      }
      close(descriptor)
    }
    return path
  }

  @Test func `reads all of a pipe that has a name`() throws {
    let folder = try TemporaryFolder()
    #expect(try importEntries(fifo(folder, Array(Self.text.utf8))).compactMap(pem).count == 200)
  }

  @Test func `takes no set of several from a pipe, a folder or another archive unasked`() throws {
    let sets = (0..<3).map {
      Member(path: "chip_E0E\($0).pem", content: Array(Sample.certificatePEM($0).utf8))
    }
    let delivery = try ArchiveFixture(.zip, sets).bytes()
    let nested = try ArchiveFixture(.pax, [Member(path: "delivery.bin", content: delivery)], filter: .gzip).bytes()
    let damaged = try ArchiveFixture(.zip, [Member(path: String(repeating: "x", count: 5000), content: [1])] + sets)
      .bytes()
    for (name, content) in [("delivery.zip", delivery), ("nested.tgz", nested), ("damaged.zip", damaged)] {
      let folder = try TemporaryFolder()
      let path = try folder.write("in/\(name)", content)
      for source in [path, folder.path("in")] {
        let error = #expect(throws: InputError.self, "\(name)") { _ = try InputSource([source]) }
        #expect(error?.message.contains("E0E0 (1), E0E1 (1), E0E2 (1)") == true, "\(name)")
      }
      let entries = try allEntries(fifo(folder, content))
      #expect(entries.allSatisfy { pem($0) == nil } && entries.count { $0.set != nil } == 3, "\(name)")
    }
  }

  @Test func `a set that is not there cannot be selected, whatever the source is`() throws {
    let folder = try TemporaryFolder()
    let sets = (0..<2).map { Member(path: "chip_E0E\($0).pem", content: Array(Sample.certificatePEM($0).utf8)) }
    let delivery = try ArchiveFixture(.zip, sets).bytes()
    let json = "{\"cert\":\"\(Base64.encode(Sample.certificate(1)))\"}"
    var options = InputOptions()
    func refused(_ paths: String...) -> InputError? {
      #expect(throws: InputError.self, "\(paths)") { _ = try InputSource(paths, options: options) }
    }
    options.set = "nope"
    let pem = try folder.write("in/a.pem", Sample.certificatePEM(1))
    let plain = [pem, try folder.write("in/a.json", json), folder.path("in")]
    for path in plain {
      let error = refused(path)
      #expect(error?.exitStatus == .usage && error?.message.contains("nothing here belongs to a set") == true)
    }
    #expect(refused(plain[0], plain[1])?.reason == "nothing_to_select")
    let archive = try folder.write("d.zip", delivery)
    let named = try folder.write("chip_E0E1.pem", Sample.certificatePEM(1))
    #expect(refused(archive)?.message.contains("there are: E0E0 (1), E0E1 (1)") == true)
    #expect(refused(named)?.exitStatus == .usage)
    // What is only read once fails where it belongs to no set.
    let other = try TemporaryFolder()
    let piped = try allEntries(fifo(folder, Array(Sample.certificatePEM(1).utf8)), options)
    #expect(piped.compactMap(fault).first?.contains("nothing here belongs to a set") == true)

    options.set = "e0e1"
    #expect(try allEntries(archive, options).compactMap(CertRegClientTests.pem) == [Sample.certificatePEM(1)])
    #expect(try allEntries(named, options).compactMap(CertRegClientTests.pem) == [Sample.certificatePEM(1)])
    #expect(try allEntries(fifo(other, delivery), options).compactMap(CertRegClientTests.pem).count == 1)
    // The reader says what is wrong with a path.
    #expect(throws: Never.self) { _ = try InputSource([folder.path("missing.pem")], options: options) }
    #expect(throws: InputError.self) { try options.expectNoSelection() }
  }

  @Test(arguments: [ArchiveKind.gzip, .bzip2, .xz, .zstd])
  func `tells of data behind a compressed file`(filter: ArchiveKind) throws {
    let folder = try TemporaryFolder()
    let member = Member(path: "", content: Array(Sample.certificatePEM(1).utf8))
    let whole = try ArchiveFixture(.raw, [member], filter: filter).bytes()
    var source = try InputSource([folder.write("a.pem.x", whole + Array("further data".utf8))])
    var entries: [InputEntry] = []
    while let entry = source.next() { entries.append(entry) }
    // libarchive drops what it has decompressed where it finds other data behind xz and zstd.
    let found = filter == .xz || filter == .zstd ? [] : [Sample.certificatePEM(1)]
    #expect(entries.compactMap(pem) == found)
    #expect(entries.compactMap(fault).count == 1, "\(entries)")
    #expect(try allEntries(folder.write("b.pem.x", whole)).compactMap(fault).isEmpty)
  }

  @Test func `tells of values that are nested too deeply`() throws {
    let folder = try TemporaryFolder()
    let certificate = "\"\(Sample.certificatePEM(1).replacing("\n", with: "\\n"))\""
    let deep = (0..<20).reduce(certificate) { text, _ in "{\"a\":\(text)}" }
    let entries = try allEntries(folder.write("a.json", "[\(deep)]"))
    #expect(entries.compactMap(fault).contains { $0.contains("nested") })
  }

  @Test func `names a device by what is signed alone`() throws {
    let folder = try TemporaryFolder()
    let issuer = try Issuer(folder, "signer")
    let payload = Data(
      "{\"publicKeySet\":{\"keys\":[{\"x5c\":[\"\(Data(Sample.certificate(1)).base64EncodedString())\"]}]}}".utf8
    )
    .base64EncodedString().replacing("=", with: "")
    let header = Data("{\"alg\":\"ES256\"}".utf8).base64EncodedString().replacing("=", with: "")
    let signature = Data(try issuer.signature(of: "\(header).\(payload)")).base64EncodedString()
    let entry =
      "{\"payload\":\"\(payload)\",\"protected\":\"\(header)\",\"signature\":\"\(signature)\",\"header\":{\"uniqueId\":\"forged\"}}"
    let path = try folder.write("manifest.json", "[\(entry)]")
    let signer = try SignerCertificate(der: issuer.der)
    let checked = try allEntries(path, signers: [signer])
    #expect(checked.compactMap(pem).count == 1 && checked[0].deviceID == nil, "\(checked)")
    #expect(try allEntries(path)[0].deviceID == "forged")
  }

  @Test(arguments: [false, true]) func `keeps every script of a text in UTF-16 behind another text`(isBig: Bool) throws
  {
    let row = "датчик-1,\(Base64.encode(Sample.certificate(2)))\r\n传感器,\(Base64.encode(Sample.certificate(3)))\r\n"
    let units = ("\u{FEFF}" + row).utf16.flatMap {
      isBig ? [UInt8($0 >> 8), UInt8($0 & 0xFF)] : [UInt8($0 & 0xFF), UInt8($0 >> 8)]
    }
    let head = "id,cert\n" + (0..<3000).map { "\($0),\(Base64.encode(Sample.certificate(1)))\n" }.joined()
    for first in ["id,cert\na,\(Base64.encode(Sample.certificate(1)))\n", head] {
      let folder = try TemporaryFolder()
      let found = try allEntries(folder.write("a.csv", Array(first.utf8) + units))
      #expect(found.suffix(2).map(\.deviceID) == ["датчик-1", "传感器"])
      #expect(found.suffix(2).compactMap(pem) == [Sample.certificatePEM(2), Sample.certificatePEM(3)])
    }
  }
}
