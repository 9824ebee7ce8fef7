import CertRegArchive
import CertRegTesting
import Glibc
import Testing

/// Archives that ask for much time or memory.
@Suite struct ArchiveBombTests {
  private static let zeros = [UInt8](repeating: 0, count: 32 << 20)
  private static let limits: ArchiveLimits = {
    var limits = ArchiveLimits()
    limits.freeBytes = 1 << 20
    limits.ratio = 50
    return limits
  }()

  @Test(arguments: [ArchiveKind.gzip, .bzip2, .xz, .zstd], [false, true])
  func `stops within what is skipped, in a member or behind the archive`(filter: ArchiveKind, isBehind: Bool) throws {
    let members = [Member(path: "a", content: isBehind ? [1] : Self.zeros), Member(path: "b", content: [2])]
    let archive = try ArchiveFixture(.ustar, members).bytes()
    let content = Member(path: "a", content: isBehind ? archive + Self.zeros : archive)
    // At its first level bzip2 has blocks of 100 kB, each of which stands for 5 MB of zeros.
    let options = filter == .bzip2 ? "bzip2:compression-level=1" : ""
    let bytes = try ArchiveFixture(.raw, [content], filter: filter, options: options).bytes()
    let reader = try ArchiveReader(BytesInput(bytes), limits: Self.limits)
    let error = #expect(throws: ArchiveError.self) { while try reader.next() != nil {} }
    #expect(error?.reason == .tooLarge)
    #expect(error?.description.contains("grows too large") == true)
    // Most of the compressed data were not even looked at.
    let fraction = try #require(reader.fraction)
    #expect(fraction < 0.5)
    #expect(try reader.next() == nil)
  }

  @Test func `counts the members that are skipped in a zip archive without its directory`() throws {
    var limits = Self.limits
    limits.directoryBytes = 10
    let members = (0..<3).map { Member(path: "\($0)", content: Array(Self.zeros.prefix(1 << 20))) }
    let reader = try ArchiveReader(BytesInput(try ArchiveFixture(.zip, members).bytes()), limits: limits)
    let error = #expect(throws: ArchiveError.self) { while try reader.next() != nil {} }
    #expect(error?.reason == .tooLarge)
  }

  @Test func `reads what was compressed twice as one compressed file in another`() throws {
    let inner = try ArchiveFixture(.raw, [Member(path: "a", content: [1, 2, 3])], filter: .bzip2).bytes()
    let outer = try ArchiveFixture(.raw, [Member(path: "a", content: inner)], filter: .bzip2).bytes()
    let reader = try ArchiveReader(BytesInput(outer))
    #expect(try reader.next()?.path == "")
    #expect(Reading(try reader.nested(beginning: [])).members.map(\.content) == [[1, 2, 3]])
  }

  // The limit is one of the process.
  @Test func `leaves the process its memory while libarchive holds a large dictionary`() async {
    await #expect(processExitsWith: .success) {
      ArchiveMemory.limit()
      let reader = try ArchiveReader(BytesInput(try compressed(dictionarySize: 33)))
      _ = try reader.next()
      guard try reader.read(upTo: 1000).count == 1000 else { exit(1) }
      // Together with the 384 MiB of the dictionary it is more than libarchive may take.
      guard let memory = malloc(300 << 20) else { exit(2) }
      free(memory)
      guard try reader.content().count == 99_000 else { exit(3) }
    }
  }

  @Test func `refuses a dictionary that takes more memory than libarchive may`() async {
    await #expect(processExitsWith: .success) {
      ArchiveMemory.limit()
      // 768 MiB.
      let found = Reading(try compressed(dictionarySize: 35))
      guard found.errors.map(\.reason) == [.outOfMemory] else { exit(1) }
      guard Reading(try compressed(dictionarySize: 28)).errors.isEmpty else { exit(2) }
    }
  }
}

/// 100,000 bytes compressed by xz, whose header asks for another dictionary than they need.
///
/// - Parameter dictionarySize: The size as the properties of LZMA2 have it (The .xz File Format, section 5.3.1): 28 for 64 MiB, 33 for
///   384 MiB.
private func compressed(dictionarySize: UInt8) throws -> [UInt8] {
  let content = Member(path: "a", content: noise(100_000, seed: 1))
  var bytes = try ArchiveFixture(.raw, [content], filter: .xz).bytes()
  // Behind the 12 bytes of the stream's header: the size of the block's header, flags, and the ID of LZMA2 with one byte of properties.
  try #require(bytes[12..<16] == [0x02, 0x00, 0x21, 0x01])
  bytes[16] = dictionarySize
  var sum = UInt32.max
  for byte in bytes[12..<20] {
    sum ^= UInt32(byte)
    for _ in 0..<8 { sum = sum & 1 == 1 ? sum >> 1 ^ 0xEDB8_8320 : sum >> 1 }
  }
  for index in 0..<4 { bytes[20 + index] = UInt8(truncatingIfNeeded: ~sum >> UInt32(8 * index)) }
  return bytes
}
