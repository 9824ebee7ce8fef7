import CertRegCore
import CertRegCrypto
import Foundation
import Testing

@testable import CertRegClient

@Suite struct GzipTests {
  private let table = "cert\n" + (1...3).map { Data(Sample.certificate($0)).base64EncodedString() + "\n" }.joined()

  @Test func `reads what is inside, by the name without its ending`() throws {
    let folder = try TemporaryFolder()
    for name in ["a.csv.gz", "a.CSV.GZ"] {
      let found = try importEntries(try folder.write(name, gzipped(Array(table.utf8))))
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
    let found = try importEntries(archive)
    #expect(Set(found.map(pem)) == Set((0..<200).map { Sample.certificatePEM(UInt8($0)) }))
  }

  @Test func `reads members one after the other, and zeros behind them`() throws {
    let folder = try TemporaryFolder()
    let half = table.utf8.count / 2
    let bytes = Array(table.utf8)
    let file = try folder.write(
      "a.csv.gz", gzipped(Array(bytes[..<half])) + gzipped(Array(bytes[half...])) + [UInt8](repeating: 0, count: 512))
    #expect(try importEntries(file).map(pem) == (1...3).map { Sample.certificatePEM($0) })
  }

  @Test func `says when it breaks off or is damaged`() throws {
    let folder = try TemporaryFolder()
    let bytes = gzipped(Array(table.utf8))
    var damaged = bytes
    damaged[bytes.count - 8] ^= 1
    for (content, expected) in [
      (Array(bytes.dropLast(9)), "breaks off"), (damaged, "damaged"),
      (Array(bytes.prefix(5)), "breaks off"),
    ] {
      let file = try folder.write("a.csv.gz", content)
      let error = #expect(throws: InputError.self) { _ = try importEntries(file) }
      #expect(error?.message.contains(expected) == true, "\(String(describing: error))")
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
    let found = try importEntries(file)
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
    let found = try importEntries(file)
    #expect(found.map(\.name) == ["\(file)!a.pem", "\(file)!b.bin", "\(file)!c.der"])
    #expect(found.map { fault($0)?.contains("more than 4 MiB") } == [true, true, nil])
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
      var source = try InputSource([file])
      #expect(source.next().flatMap(pem) == Sample.certificatePEM(1))
      #expect(source.next().flatMap(fault) != nil)
    }
  }
}
