import CertRegArchive
import CertRegCore
import CertRegTesting
import Testing

@Suite struct ArchiveDamageTests {
  private static let shapes: [(ArchiveFixture.Format, ArchiveKind?)] = [
    (.ustar, nil), (.pax, nil), (.zip, nil), (.sevenZip, nil), (.newc, nil), (.odc, nil),
    (.ustar, .gzip), (.ustar, .bzip2), (.ustar, .xz), (.ustar, .zstd), (.raw, .gzip), (.raw, .xz),
  ]

  private static func archive(_ index: Int) throws -> (members: [Member], bytes: [UInt8]) {
    let (format, filter) = shapes[index]
    let all = (0..<3).map { Member(path: "\($0).der", content: noise(90, seed: UInt64($0))) }
    let members = format == .raw ? [Member(path: "", content: all[0].content)] : all
    return (members, try ArchiveFixture(format, members, filter: filter).bytes())
  }

  /// What damage must not do: it adds no content out of nothing, and the reader comes to an end.
  private static func check(_ found: Reading, _ sent: [Member], _ note: String) {
    #expect(found.members.count <= 1000, "\(note)")
    #expect(found.members.reduce(0) { $0 + $1.content.count } < 4 << 20, "\(note)")
    #expect(found.errors.dropLast().allSatisfy { !$0.endsArchive }, "\(note)")
  }

  @Test(arguments: shapes.indices)
  func `reads what precedes the place where an archive breaks off, and says so`(index: Int) throws {
    let (members, bytes) = try Self.archive(index)
    let stride = max(1, bytes.count / 400)
    var isReported = 0
    for count in Swift.stride(from: 1, to: bytes.count, by: stride) {
      for input in [BytesInput(Array(bytes[..<count])), StreamInput(Array(bytes[..<count]))] as [any ArchiveInput] {
        let found = Reading(input)
        Self.check(found, members, "the first \(count) bytes of shape \(index)")
        // Members come whole or not at all.
        #expect(found.members.allSatisfy(members.contains), "the first \(count) bytes of shape \(index)")
        if !found.errors.isEmpty { isReported += 1 }
      }
    }
    #expect(isReported > 0)
  }

  @Test(arguments: shapes.indices)
  func `ends on archives with flipped bits`(index: Int) throws {
    let (members, bytes) = try Self.archive(index)
    let seed = UInt64.random(in: 0...UInt64.max)
    var generator = SplitMix64(seed: seed)
    for round in 0..<500 {
      var damaged = bytes
      for _ in 0..<Int.random(in: 1...3, using: &generator) {
        let place = Int.random(in: 0..<damaged.count, using: &generator)
        let values: [UInt8] = [
          0, 1, 0x7F, 0x80, 0xFF, damaged[place] ^ (1 << UInt8.random(in: 0..<8, using: &generator)),
        ]
        damaged[place] = values.randomElement(using: &generator) ?? 0
      }
      Self.check(Reading(damaged), members, "seed \(seed), round \(round), shape \(index)")
    }
  }

  @Test func `names the member that is damaged, and reads the next`() throws {
    let members = (0..<3).map { Member(path: "\($0).der", content: noise(300, seed: UInt64($0))) }
    var bytes = try ArchiveFixture(.zip, members, options: "zip:compression=store").bytes()
    let place = try #require(bytes.indices.first { bytes[$0...].starts(with: members[1].content) })
    bytes[place + 100] ^= 1
    let found = Reading(bytes)
    #expect(found.members == [members[0], members[2]])
    #expect(found.errors.map(\.member) == ["1.der"])
    #expect(found.errors.map(\.reason) == [.damaged])
  }

  @Test func `tells damage of a gzip file from its breaking off`() throws {
    let bytes = try ArchiveFixture(.raw, [Member(path: "a", content: noise(1000, seed: 3))], filter: .gzip).bytes()
    for count in [3, 5, 9, 10, 11, 500, bytes.count - 9, bytes.count - 1] {
      #expect(Reading(Array(bytes.prefix(count))).errors.map(\.reason) == [.breaksOff], "\(count)")
    }
    for count in [2, 3, 100] {
      #expect(Reading(bytes + noise(count, seed: 4)).errors.map(\.reason) == [.damaged], "\(count)")
    }
  }

  // libarchive writes frames of zstd without their checksum, which is optional (RFC 8878 section 3.1.1).
  @Test(arguments: [ArchiveKind.gzip, .bzip2, .xz])
  func `notices a wrong checksum of compressed data`(filter: ArchiveKind) throws {
    let content = noise(1000, seed: 9)
    let bytes = try ArchiveFixture(.raw, [Member(path: "a", content: content)], filter: filter).bytes()
    // Noise is stored as it is, so a flipped bit in it decompresses to other content.
    var damaged = bytes
    damaged[bytes.count / 2] ^= 1
    let found = Reading(damaged)
    #expect(found.errors.map(\.reason) == [.damaged])
    #expect(found.members.isEmpty)
  }

  @Test func `reads a zip archive whose directory is missing`() throws {
    let (members, bytes) = try Self.archive(2)
    let directory = try #require(bytes.indices.first { bytes[$0...].starts(with: [0x50, 0x4B, 0x01, 0x02]) })
    let found = Reading(Array(bytes[..<directory]))
    // What follows the last member shows where it ends, so the last one is reported.
    #expect(found.members == Array(members.dropLast()))
    #expect(found.errors.map(\.member) == ["2.der", nil])
    #expect(found.errors.map(\.reason) == [.breaksOff, .breaksOff])
  }

  @Test func `reports a damaged tar header once, and goes on behind it`() throws {
    let (members, bytes) = try Self.archive(0)
    var damaged = bytes
    damaged[1024 + 10] ^= 1
    let found = Reading(damaged)
    #expect(found.members == [members[0], members[2]])
    #expect(found.errors.map(\.reason) == [.damaged])
    #expect(found.errors.allSatisfy { !$0.endsArchive })
  }

  @Test func `reads the members of a zip archive behind one that cannot be decompressed`() throws {
    // Text, which deflate packs; a block type of 3 does not exist (RFC 1951 section 3.2.3).
    let members = (0..<20).map {
      Member(path: "\($0).pem", content: Array(String(repeating: "\($0) abc\n", count: 90).utf8))
    }
    var bytes = try ArchiveFixture(.zip, members).bytes()
    let names = bytes.indices.filter { bytes[$0...].starts(with: [0x50, 0x4B, 0x03, 0x04]) }
    try #require(names.count == 20)
    for number in 0..<18 where number % 3 == 0 {
      let header = names[number]
      let start = header + 30 + Int(bytes[header + 26]) + Int(bytes[header + 28])
      bytes[start] |= 6
    }
    let found = Reading(bytes)
    #expect(found.errors.map(\.member) == [0, 3, 6, 9, 12, 15].map { "\($0).pem" })
    #expect(found.members == members.enumerated().filter { $0.offset % 3 > 0 || $0.offset >= 18 }.map(\.element))
  }

  @Test(arguments: [ArchiveKind.gzip, .bzip2, .xz, .zstd])
  func `says when other data follow the compressed ones`(filter: ArchiveKind) throws {
    let bytes = try ArchiveFixture(.raw, [Member(path: "a", content: [1, 2, 3])], filter: filter).bytes()
    #expect(!Reading(bytes + Array("something else entirely, and not a little".utf8)).errors.isEmpty)
    #expect(!Reading(bytes + [1, 2, 3]).errors.isEmpty)
  }
}
