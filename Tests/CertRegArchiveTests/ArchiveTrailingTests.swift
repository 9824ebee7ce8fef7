import CertRegArchive
import CertRegTesting
import Testing

/// What lies behind an archive, or before the last one, is read or reported.
@Suite struct ArchiveTrailingTests {
  private static let members = (0..<2).map { Member(path: "\($0).der", content: noise(90, seed: UInt64($0))) }
  private static let filters: [ArchiveKind] = [.gzip, .bzip2, .xz, .zstd]
  /// Every format with every filter and without one. A raw file without a filter is no archive.
  private static let forms: [(ArchiveFixture.Format, ArchiveKind?)] = ArchiveFixture.Format.allCases.flatMap { format in
    (format == .raw ? [] : [(format, nil)]) + filters.map { (format, $0) }
  }
  private static let text = Array("-----BEGIN CERTIFICATE-----\n".utf8)

  private static func bytes(_ format: ArchiveFixture.Format, _ filter: ArchiveKind?) throws -> [UInt8] {
    try ArchiveFixture(format, format == .raw ? [members[0]] : members, filter: filter).bytes()
  }

  private static func count(_ reading: Reading) -> Int {
    reading.members.reduce(0) { $0 + $1.content.count }
  }

  @Test(arguments: forms)
  func `loses nothing that follows, or says so`(format: ArchiveFixture.Format, filter: ArchiveKind?) throws {
    let one = try Self.bytes(format, filter)
    let alone = Reading(one)
    #expect(alone.errors.isEmpty)
    for input in [BytesInput(one + one), StreamInput(one + one)] as [any ArchiveInput] {
      let twice = Reading(input)
      #expect(!twice.errors.isEmpty || Self.count(twice) == 2 * Self.count(alone))
    }
    for data in [Self.text, Self.text + noise(70_000, seed: 5), [0, 0, 1]] {
      let found = Reading(one + data)
      #expect(!found.errors.isEmpty)
      if filter == nil { #expect(found.members == alone.members) }
    }
  }

  @Test(arguments: ArchiveFixture.Format.allCases.filter { $0.kind == .tar || $0.kind == .cpio }, filters)
  func `says what follows an archive in compressed data`(
    format: ArchiveFixture.Format, filter: ArchiveKind
  ) throws {
    let archive = try Self.bytes(format, nil)
    for data in [Self.text, archive] {
      let content = [Member(path: "a", content: archive + data)]
      let found = Reading(try ArchiveFixture(.raw, content, filter: filter).bytes())
      #expect(found.members.starts(with: Self.members))
      #expect(!found.errors.isEmpty || found.members.count == 2 * Self.members.count)
    }
  }

  @Test func `names the data behind a cpio archive, and takes zeros for padding`() throws {
    let archive = try Self.bytes(.newc, nil)
    let found = Reading(archive + archive)
    #expect(found.members == Self.members)
    #expect(found.errors.map(\.detail) == ["other data follow the archive"])
    #expect(found.errors.allSatisfy { $0.endsArchive })
    #expect(Reading(archive + [UInt8](repeating: 0, count: 512)).errors.isEmpty)
    #expect(Reading(StreamInput(archive + [UInt8](repeating: 0, count: 512), step: 10)).errors.isEmpty)
  }

  @Test func `says that a stream of bzip2 behind the first is damaged`() throws {
    let one = try Self.bytes(.raw, .bzip2)
    for place in 0..<3 {
      var bytes = one + one
      bytes[one.count + place] ^= 1
      let found = Reading(bytes)
      #expect(found.members.map(\.content) == [Self.members[0].content])
      #expect(found.errors.map(\.reason) == [.damaged])
    }
  }

  /// A zip archive whose offsets count from `count` bytes before it, as zip -A writes them.
  private static func shifted(_ archive: [UInt8], by count: Int) -> [UInt8] {
    var bytes = archive
    for index in archive.indices {
      let place: Int
      if archive[index...].starts(with: [0x50, 0x4B, 0x01, 0x02]) {
        place = index + 42
      } else if archive[index...].starts(with: [0x50, 0x4B, 0x05, 0x06]) {
        place = index + 16
      } else {
        continue
      }
      let value = (0..<4).reduce(count) { $0 + Int(archive[place + $1]) << (8 * $1) }
      for byte in 0..<4 { bytes[place + byte] = UInt8(truncatingIfNeeded: value >> (8 * byte)) }
    }
    return bytes
  }

  @Test(arguments: [4 << 20, 10])
  func `reports a zip archive before another`(directoryBytes: Int) throws {
    let one = try Self.bytes(.zip, nil)
    var limits = ArchiveLimits()
    limits.directoryBytes = directoryBytes
    let empty = try ArchiveFixture(.zip, []).bytes()
    for second in [one, Self.shifted(one, by: one.count), empty] {
      let found = Reading(one + second, limits: limits)
      #expect(found.errors.map(\.reason) == [.damaged])
      #expect(found.errors.first?.detail.contains("precede") == true)
    }
    #expect(Reading(one, limits: limits).errors.isEmpty)
    #expect(Reading(empty, limits: limits).errors.isEmpty)
  }
}
