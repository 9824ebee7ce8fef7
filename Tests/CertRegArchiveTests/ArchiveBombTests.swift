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

  @Test func `leaves the process its memory while a member of a zip archive is open as an archive`() async {
    await #expect(processExitsWith: .success) {
      ArchiveMemory.limit()
      let member = Member(path: "a.xz", content: try compressed(dictionarySize: 33))
      let outer = try ArchiveReader(BytesInput(try ArchiveFixture(.zip, [member]).bytes()))
      guard try outer.next() != nil else { exit(1) }
      let reader = try outer.nested(beginning: [])
      _ = try reader.next()
      guard try reader.read(upTo: 1000).count == 1000 else { exit(2) }
      guard let memory = malloc(300 << 20) else { exit(3) }
      free(memory)
      guard try reader.content().count == 99_000 else { exit(4) }
    }
  }

  @Test func `keeps the limit between calls for deflated members until the archive is closed`() async {
    await #expect(processExitsWith: .success) {
      ArchiveMemory.limit()
      let original = dataLimit()
      let members = (0..<100).map { Member(path: "\($0)", content: noise(1000, seed: 1)) }
      let bytes = try ArchiveFixture(.zip, members).bytes()
      var reader: ArchiveReader? = try ArchiveReader(BytesInput(bytes))
      while try reader?.next() != nil {
        guard dataLimit() < original else { exit(1) }
        guard try reader?.content().count == 1000, dataLimit() < original else { exit(2) }
        // Far more than certregctl takes is left to the process.
        guard let memory = malloc(300 << 20) else { exit(3) }
        free(memory)
      }
      reader = nil
      guard dataLimit() == original else { exit(4) }
    }
  }

  /// - Parameter method: The compression method that the headers state (APPNOTE.TXT section 4.4.5).
  @Test(arguments: [9, 12, 14, 93, 95, 98] as [UInt8])
  func `keeps no limit between calls once a member can take much memory`(method: UInt8) async {
    await #expect(processExitsWith: .success) { [method] in
      ArchiveMemory.limit()
      let original = dataLimit()
      let members = ["a", "b", "c"].map { Member(path: $0, content: noise(1000, seed: 1)) }
      var bytes = try ArchiveFixture(.zip, members).bytes()
      for index in bytes.indices.dropLast(12) where bytes[index..<(index + 2)] == [0x50, 0x4B] {
        let isSecond = { (name: Int) in bytes[index + name] == UInt8(ascii: "b") }
        if bytes[index + 2] == 3, isSecond(30) { bytes[index + 8] = method }
        if bytes[index + 2] == 1, isSecond(46) { bytes[index + 10] = method }
      }
      let reader = try ArchiveReader(BytesInput(bytes))
      _ = try reader.next()
      guard dataLimit() < original else { exit(1) }
      guard try reader.next()?.path == "b", dataLimit() == original else { exit(2) }
      _ = try? reader.content()
      guard dataLimit() == original else { exit(3) }
    }
  }

  @Test func `keeps no limit after a call that has failed`() async {
    await #expect(processExitsWith: .success) {
      ArchiveMemory.limit()
      let original = dataLimit()
      var bytes = try ArchiveFixture(.zip, [Member(path: "a", content: Array(ArchiveBombTests.zeros.prefix(100_000)))])
        .bytes()
      // Behind the header of 30 bytes, the name and an extra field.
      let content = 31 + Int(bytes[28])
      for index in content..<(content + 20) { bytes[index] = 0xFF }
      let reader = try ArchiveReader(BytesInput(bytes))
      _ = try reader.next()
      guard dataLimit() < original else { exit(1) }
      guard (try? reader.content()) == nil, dataLimit() == original else { exit(2) }
      withExtendedLifetime(reader) {}
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

/// The soft limit of the process's memory.
private func dataLimit() -> rlim_t {
  var limit = rlimit()
  getrlimit(__rlimit_resource_t(RLIMIT_DATA.rawValue), &limit)
  return limit.rlim_cur
}

/// 100,000 bytes compressed by xz, whose header asks for another dictionary than they need.
///
/// - Parameter dictionarySize: The size as the properties of LZMA2 have it (The .xz File Format, section 5.3.1): 28 for
///   64 MiB, 33 for 384 MiB.
private func compressed(dictionarySize: UInt8) throws -> [UInt8] {
  let content = Member(path: "a", content: noise(100_000, seed: 1))
  var bytes = try ArchiveFixture(.raw, [content], filter: .xz).bytes()
  // Behind the 12 bytes of the stream's header: the size of the block's header, flags, and the ID of LZMA2 with one
  // byte of properties.
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
