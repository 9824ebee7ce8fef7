import CertRegArchive
import CertRegTesting
import Testing

@Suite struct ArchiveLimitTests {
  private static let zeros = [UInt8](repeating: 0, count: 3 << 20)
  private static let small: ArchiveLimits = {
    var limits = ArchiveLimits()
    limits.freeBytes = 1 << 20
    limits.ratio = 50
    return limits
  }()

  @Test(arguments: [ArchiveKind.gzip, .bzip2, .xz, .zstd])
  func `stops where compressed data grow too much`(filter: ArchiveKind) throws {
    let raw = try ArchiveFixture(.raw, [Member(path: "a", content: Self.zeros)], filter: filter).bytes()
    #expect(Reading(raw, limits: Self.small).errors.map(\.reason) == [.tooLarge])
    #expect(Reading(raw).errors.isEmpty)
    // Skipped content counts as well: it is decompressed to find the next member.
    let members = [Member(path: "a", content: Self.zeros), Member(path: "b", content: [1])]
    let reader = try ArchiveReader(
      BytesInput(try ArchiveFixture(.ustar, members, filter: filter).bytes()), limits: Self.small)
    let error = #expect(throws: ArchiveError.self) { while try reader.next() != nil {} }
    #expect(error?.reason == .tooLarge)
    #expect(try reader.next() == nil)
  }

  @Test(arguments: [ArchiveFixture.Format.zip, .sevenZip])
  func `stops where members grow too much`(format: ArchiveFixture.Format) throws {
    let bytes = try ArchiveFixture(format, [Member(path: "a", content: Self.zeros)]).bytes()
    let found = Reading(bytes, limits: Self.small)
    #expect(found.errors.map(\.reason) == [.tooLarge])
    #expect(found.errors.first?.member == "a")
  }

  @Test func `counts archives in archives together`() throws {
    let inner = try ArchiveFixture(.zip, [Member(path: "i", content: Self.zeros)]).bytes()
    let members = (0..<4).map { Member(path: "\($0)", content: inner) }
    let bytes = try ArchiveFixture(.ustar, members, filter: .xz).bytes()
    var limits = Self.small
    limits.freeBytes = 4 << 20
    let reader = try ArchiveReader(BytesInput(bytes), limits: limits)
    _ = try reader.next()
    #expect(Reading(try reader.nested(beginning: [])).errors.isEmpty)
    _ = try reader.next()
    #expect(Reading(try reader.nested(beginning: [])).errors.map(\.reason) == [.tooLarge])
  }

  @Test func `bounds the number of members, and the bytes held in memory`() throws {
    let members = (0..<5).map { Member(path: "\($0)", content: [1]) }
    var limits = ArchiveLimits()
    limits.members = 3
    let found = Reading(try ArchiveFixture(.newc, members).bytes(), limits: limits)
    #expect(found.members.count == 3)
    #expect(found.errors.map(\.reason) == [.tooManyMembers])
    limits = ArchiveLimits()
    limits.heldBytes = 100
    let bytes = try ArchiveFixture(.sevenZip, members).bytes()
    #expect(Reading(StreamInput(bytes), limits: limits).errors.map(\.reason) == [.tooLargeToHold])
    #expect(Reading(bytes, limits: limits).errors.isEmpty)
    limits = ArchiveLimits()
    limits.contentBytes = 3
    #expect(Reading(try ArchiveFixture(.zip, members).bytes(), limits: limits).errors.map(\.reason) == [.tooLarge])
  }

  @Test func `reads a zip archive with a long directory in the order of its members`() throws {
    let members = (0..<2000).map { Member(path: "\($0).der", content: Array("content \($0)".utf8)) }
    var limits = ArchiveLimits()
    limits.directoryBytes = 10_000
    let bytes = try ArchiveFixture(.zip, members).bytes()
    let found = Reading(bytes, limits: limits)
    #expect(found.members == members)
    #expect(found.errors.isEmpty)
  }
}
