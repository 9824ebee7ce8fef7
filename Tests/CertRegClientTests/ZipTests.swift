import CertRegCore
import CertRegCrypto
import Foundation
import Testing

@testable import CertRegClient

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
    member.checksum = crc32(content)
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
      // The local header has the sizes as well (section 4.5.3).
      let localExtra = isZIP64 ? little(1, 2) + little(16, 2) + Array(wide.prefix(16)) : [0, 0, 0, 0]
      let extra = isZIP64 ? [9, 9, 1, 0, 0] + little(1, 2) + little(wide.count, 2) + wide : []
      directory += little(0x0201_4B50, 4) + little(20, 2) + little(20, 2) + common + sizes
      directory += little(member.name.utf8.count, 2) + little(extra.count, 2) + little(3, 2) + little(0, 8)
      directory +=
        (isZIP64 ? little(-1, 4) : little(archive.count, 4)) + Array(member.name.utf8) + extra + Array("abc".utf8)
      archive +=
        little(0x0403_4B50, 4) + little(20, 2) + common + sizes + little(member.name.utf8.count, 2)
        + little(localExtra.count, 2)
      archive += Array(member.name.utf8) + localExtra + member.data
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
  private func read(_ archive: ZipArchive) throws -> [InputEntry] {
    let folder = try TemporaryFolder()
    let file = try folder.write("a.zip", archive.bytes)
    let found = try importEntries(file)
    return found.map { entry in
      var entry = entry
      entry.place = entry.place.replacing(file + "!", with: "")
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
        "lot 1/a.der", "lot 1/b.txt", "../../\u{1B}[2J.pem:1", "../../\u{1B}[2J.pem:4",
      ])
    #expect(found.map(pem) == (1...4).map { Sample.certificatePEM($0) })
    #expect(try read(ZipArchive()).compactMap(fault).count == 1)
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
    #expect(found.last?.name == "good.pem")
    #expect(found.compactMap(pem).last == Sample.certificatePEM(1))
    for name in ["lzma.pem", "checksum.pem", "cut.pem"] {
      #expect(found.contains { $0.place == name && fault($0) != nil }, "\(name)")
    }
  }

  @Test func `reads an archive without a directory as far as it goes`() throws {
    var archive = ZipArchive()
    archive.add("a.der", Sample.certificate(1))
    archive.add("b.der", Sample.certificate(2))
    let folder = try TemporaryFolder()
    let bytes = archive.bytes
    let directory = try #require(bytes.indices.first { bytes[$0...].starts(with: [0x50, 0x4B, 0x01, 0x02]) })
    let file = try folder.write("a.zip", Array(bytes[..<(directory - 5)]))
    var source = try InputSource([file])
    #expect(source.next().flatMap(pem) == Sample.certificatePEM(1))
    var last: InputEntry?
    while let entry = source.next() { last = entry }
    #expect(last.flatMap(fault)?.contains("breaks off") == true)
    #expect(source.account.isIncomplete)
  }

  @Test func `an archive that is given up says so`() throws {
    var archive = ZipArchive()
    for number in 0..<30 {
      archive.add("\(number).pem", Array("not read".utf8), deflate: true) { if number < 20 { $0.data[0] = 7 } }
    }
    let folder = try TemporaryFolder()
    var source = try InputSource([try folder.write("a.zip", archive.bytes)])
    var last: InputEntry?
    var count = 0
    while let entry = source.next() {
      last = entry
      count += 1
    }
    #expect(count < 30)
    #expect(last.flatMap(fault)?.contains("what follows in the archive is not read") == true)
    #expect(source.account.isIncomplete)
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
      let count = (try? importEntries(file, format: .zip).count) ?? 0
      #expect(count <= 2, "seed \(seed)")
    }
  }
}
