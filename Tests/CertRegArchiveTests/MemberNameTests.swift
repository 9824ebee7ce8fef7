import CArchive
import CertRegArchive
import CertRegTesting
import Glibc
import Testing

@Suite struct MemberNameTests {
  @Test(arguments: [ArchiveFixture.Format.ustar, .gnu, .pax, .zip, .sevenZip, .newc])
  func `keeps names that are not ASCII, whatever the locale`(format: ArchiveFixture.Format) throws {
    let paths = ["Gerät/Zürich.pem", "設備.pem", "\u{1B}[2J\u{202E}.pem"]
    let bytes = try ArchiveFixture(format, paths.map { Member(path: $0, content: [1]) }).bytes()
    // The C locale, as in a service or a container, whatever the test runs in.
    let earlier = uselocale(newlocale(1 << 0, "C", nil))
    defer { uselocale(earlier) }
    #expect(Reading(bytes).members.map(\.path) == paths)
    #expect(Reading(bytes).errors.isEmpty)
  }

  @Test func `reads the encodings of old programs`() throws {
    func replaced(_ format: ArchiveFixture.Format, _ bytes: [UInt8]) throws -> [UInt8] {
      let archive = try ArchiveFixture(format, [Member(path: "Ger__t.pem", content: [1])], options: "").bytes()
      let name = Array("Ger__t.pem".utf8)
      var result = archive
      for index in archive.indices where archive[index...].starts(with: name) {
        result.replaceSubrange((index + 3)..<(index + 5), with: bytes)
      }
      return result
    }
    // libarchive takes ENOMEM from an earlier call for its own, and ends the process.
    func paths(_ archive: [UInt8]) -> [String] {
      errno = ENOMEM
      return Reading(archive).members.map(\.path)
    }
    // "ä" and a letter: in code page 437 in a zip archive, in Latin-1 in a cpio archive.
    #expect(paths(try replaced(.zip, [0x84, 0x41])) == ["GeräAt.pem"])
    #expect(paths(try replaced(.newc, [0xE4, 0x41])) == ["GeräAt.pem"])
    #expect(paths(try replaced(.zip, Array("ä".utf8))) == ["Gerät.pem"])
  }

  @Test func `reports a name that is longer than a path, and goes on`() throws {
    let members = [Member(path: String(repeating: "n", count: 5000), content: [1]), Member(path: "b", content: [2])]
    let found = Reading(try ArchiveFixture(.pax, members).bytes())
    #expect(found.errors.map(\.reason) == [.pathTooLong])
    #expect(found.errors.first?.member?.count == 65)
    #expect(found.members.map(\.path) == ["b"])
  }
}
