import CertRegArchive
import CertRegTesting
import Testing

@Suite struct ArchiveReaderTests {
  private static let members = [
    Member(path: "lot 1/", content: [], kind: .directory),
    Member(path: "lot 1/a.pem", content: Array("first".utf8)),
    Member(path: "lot 1/empty", content: []),
    Member(path: "link", content: [], kind: .link),
    Member(path: "large.bin", content: noise(200_000, seed: 1)),
    Member(path: "../../up.pem", content: Array("last".utf8)),
  ]
  private static let formats = ArchiveFixture.Format.allCases.filter { $0 != .raw }
  private static let filters: [ArchiveKind] = [.gzip, .bzip2, .xz, .zstd]

  @Test(arguments: formats)
  func `reads the members of each form, from a file and from a pipe`(format: ArchiveFixture.Format) throws {
    let bytes = try ArchiveFixture(format, Self.members).bytes()
    #expect(Archive.kind(of: bytes) == format.kind)
    for input in [BytesInput(bytes), StreamInput(bytes)] as [any ArchiveInput] {
      let found = Reading(input)
      #expect(found.errors.isEmpty, "\(found.errors)")
      // A directory's slash is not part of every form, and 7z has directories last.
      let paths = found.members.map { $0.kind == .directory ? "lot 1/" : $0.path }
      #expect(Set(paths) == Set(Self.members.map(\.path)))
      #expect(Set(found.members.map(\.content)) == Set(Self.members.map(\.content)))
      #expect(found.members.filter { $0.kind == .link }.map(\.path) == ["link"])
    }
  }

  @Test(arguments: filters, [ArchiveFixture.Format.ustar, .newc])
  func `reads compressed archives`(filter: ArchiveKind, format: ArchiveFixture.Format) throws {
    let bytes = try ArchiveFixture(format, Self.members, filter: filter).bytes()
    #expect(Archive.kind(of: bytes) == filter)
    let found = Reading(StreamInput(bytes))
    #expect(found.errors.isEmpty)
    #expect(found.members.map(\.content) == Self.members.map(\.content))
  }

  @Test(arguments: filters)
  func `reads a compressed file as one member without a path`(filter: ArchiveKind) throws {
    let content = noise(300_000, seed: 2)
    let bytes = try ArchiveFixture(.raw, [Member(path: "a", content: content)], filter: filter).bytes()
    #expect(Reading(bytes).members == [Member(path: "", content: content)])
    #expect(Reading(bytes).errors.isEmpty)
    // Files that were joined with cat(1).
    #expect(Reading(bytes + bytes).members == [Member(path: "", content: content + content)])
    // As tapes leave them. A frame of zstd begins with its signature or not at all.
    let padded = Reading(bytes + [UInt8](repeating: 0, count: 700))
    #expect(padded.errors.map(\.reason) == (filter == .zstd ? [.damaged] : []))
  }

  @Test func `reads all of tar archives that were joined`() throws {
    let one = try ArchiveFixture(.ustar, [Member(path: "a", content: [1])]).bytes()
    let two = try ArchiveFixture(.pax, [Member(path: "b", content: [2])]).bytes()
    #expect(Reading(one + two).members.map(\.path) == ["a", "b"])
    #expect(Reading(one + two).errors.isEmpty)
  }

  @Test(arguments: formats)
  func `skips what is not read`(format: ArchiveFixture.Format) throws {
    let bytes = try ArchiveFixture(format, Self.members).bytes()
    let reader = try ArchiveReader(BytesInput(bytes))
    var last: [UInt8] = []
    while let member = try reader.next() {
      if member.path == "large.bin" { #expect(try reader.read(upTo: 10).count <= 10) }
      if member.path == "../../up.pem" { last = try reader.content() }
    }
    #expect(last == Array("last".utf8))
    #expect(try reader.next() == nil)
    #expect(try reader.read(upTo: 1).isEmpty)
  }

  @Test func `opens archives in archives, up to three deep`() throws {
    func wrap(_ format: ArchiveFixture.Format, _ content: [UInt8], _ filter: ArchiveKind? = nil) throws -> [UInt8] {
      try ArchiveFixture(format, [Member(path: "x", content: content)], filter: filter).bytes()
    }
    for (inner, middle, outer) in [
      (.sevenZip, .sevenZip, .sevenZip), (.zip, .ustar, .zip), (.newc, .zip, .sevenZip), (.pax, .sevenZip, .gnu),
    ] as [(ArchiveFixture.Format, ArchiveFixture.Format, ArchiveFixture.Format)] {
      let innermost = try wrap(.zip, [0])
      let bytes = try wrap(outer, try wrap(middle, try wrap(inner, innermost)))
      let first = try ArchiveReader(BytesInput(bytes))
      _ = try first.next()
      let second = try first.nested(beginning: try first.read(upTo: 100))
      _ = try second.next()
      let third = try second.nested(beginning: [])
      #expect(third.depth == 3)
      #expect(try third.next()?.path == "x")
      let error = #expect(throws: ArchiveError.self) { _ = try third.nested(beginning: []) }
      #expect(error?.reason == .tooDeep)
      #expect(try third.content() == innermost)
      #expect(try third.next() == nil)
    }
  }

  @Test func `goes on behind an archive in an archive`() throws {
    let inner = try ArchiveFixture(.sevenZip, [Member(path: "i", content: [7])]).bytes()
    let bytes = try ArchiveFixture(
      .ustar, [Member(path: "a.7z", content: inner), Member(path: "b", content: [8])], filter: .xz
    ).bytes()
    let reader = try ArchiveReader(StreamInput(bytes))
    #expect(try reader.next()?.path == "a.7z")
    #expect(Reading(try reader.nested(beginning: [])).members == [Member(path: "i", content: [7])])
    #expect(try reader.next()?.path == "b")
    #expect(try reader.content() == [8])
  }

  @Test func `names what it does not read`() throws {
    for (bytes, kind, name) in [
      (Array("Rar!\u{1A}\u{07}\u{01}\0".utf8), ArchiveKind.rar, "a rar archive"),
      (Array("MSCF\0\0\0\0".utf8), .cab, "a cab archive"),
      ([0x1F, 0x9D, 0x90], .compress, "a file of compress (.Z)"),
      ([0x20, 0x20] + Array("-lh5-".utf8), .lha, "a lha archive"),
      ([UInt8](repeating: 0, count: 32_769) + Array("CD001".utf8), .iso, "an ISO 9660 image"),
    ] as [([UInt8], ArchiveKind, String)] {
      #expect(Archive.kind(of: bytes) == kind)
      #expect(kind.description == name)
      #expect(Reading(bytes).errors.map(\.reason) == [.notRead(kind)])
    }
    for text in ["", "PK", "-----BEGIN CERTIFICATE-----\n", "BZh9 is a name,1\n", "070701,device\n", "id;-lh\n"] {
      #expect(Archive.kind(of: Array(text.utf8)) == nil)
      #expect(Reading(Array(text.utf8)).errors.map(\.reason) == [.notAnArchive])
    }
  }
}
