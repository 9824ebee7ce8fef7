import CertRegCore
import Foundation
import Testing

@testable import CertRegStore

/// The reading of pages without SQLite, which must take whatever a disk returns.
@Suite struct PageTests {
  /// A database of several kinds of page: leaves, branches and records that go on in other pages.
  private func pages() async throws -> [[UInt8]] {
    let directory = try TemporaryDirectory()
    let store = try SQLiteRegistrationStore(directory)
    try await store.commit((1...200).map { .complete($0 > 150 ? Sample.device($0) : Sample.registration($0)) })
    try await store.commit((301...320).map { .enqueue(Sample.pending($0, size: $0 == 310 ? 9000 : 800)) })
    try await store.commit([.fail(Sample.failure(1)), .markCallStarted(Sample.id(301))])
    try await store.commit(
      (1...3).map { .share(Sample.key($0), FleetNote(stamp: Int64($0), isForgotten: $0 == 2, number: 0)) })
    try await store.commit([.nameDevice(Sample.key(1), try #require(Sample.deviceID))])
    store.close()
    let bytes = [UInt8](try Data(contentsOf: URL(fileURLWithPath: directory.file("certregd.db"))))
    return stride(from: 0, to: bytes.count, by: 4096).map { Array(bytes[$0..<$0 + 4096]) }
  }

  /// How many intact rows of each table there are, and how many that have its form and are not.
  private func count(_ pages: [[UInt8]]) -> (intact: [Table: Int], damaged: Int) {
    var intact: [Table: Int] = [:]
    var damaged = 0
    let overflow = { (number: Int) in number >= 1 && number <= pages.count ? pages[number - 1] : nil }
    for (index, page) in pages.enumerated() {
      BTreePage(page, number: index + 1).forEachRecord(overflow: overflow) { record in
        guard let table = record.table else { return }
        if record.isIntact(as: table) { intact[table, default: 0] += 1 } else { damaged += 1 }
      }
    }
    return (intact, damaged)
  }

  @Test func `finds every row of every table, on leaves and branches`() async throws {
    let (intact, damaged) = count(try await pages())
    // Both copies of two names; the failure interned none.
    #expect(
      intact == [
        .state: 2, .name: 4, .queue: 20, .attempt: 1, .result: 200, .failure: 1, .device: 1, .shared: 3,
      ])
    #expect(Set(intact.keys) == Set(Table.allCases))
    #expect(damaged == 0)
  }

  @Test(arguments: [UInt64.random(in: 1...UInt64.max), 11, 12])
  func `never believes a row that was changed, and never traps`(seed: UInt64) async throws {
    print("store page seed \(seed)")
    let original = try await pages()
    let sound = count(original).intact
    var generator = SplitMix64(seed: seed)
    for _ in 0..<60 {
      var pages = original
      for _ in 0..<Int.random(in: 1...200, using: &generator) {
        let page = pages.indices.randomElement(using: &generator) ?? 0
        // Mostly where the structure is: the page's header and the list of its cells.
        let offset = Int.random(in: 0..<(Bool.random(using: &generator) ? 64 : 4096), using: &generator)
        pages[page][offset] = UInt8.random(in: 0...255, using: &generator)
      }
      let found = count(pages).intact
      for (table, number) in found { #expect(number <= sound[table, default: 0] * 2, "seed \(seed)") }
    }
  }

  @Test func `a checksum notices every flipped bit and every swap of columns`() {
    let text = Array("0123456789abcdefg".utf8)
    func sum(_ text: [UInt8], _ numbers: [Int64]) -> Int64 {
      var checksum = RowChecksum(.result)
      text.withUnsafeBytes { checksum.add(text: $0) }
      for number in numbers { checksum.add(number) }
      return checksum.value
    }
    var seen: Set<Int64> = [sum(text, [1, 2]), sum(text, [2, 1]), sum(text, [1, 2, 0]), sum(text + [0], [1, 2])]
    #expect(seen.count == 4)
    for bit in 0..<8 * text.count {
      var changed = text
      changed[bit / 8] ^= 1 << UInt8(bit % 8)
      #expect(seen.insert(sum(changed, [1, 2])).inserted)
    }
    for bit in 0..<64 { #expect(seen.insert(sum(text, [1 ^ Int64(bitPattern: 1 << UInt64(bit)), 2])).inserted) }
  }

  @Test func `the checksum stays what it is: it is part of the file format`() {
    var checksum = RowChecksum(.queue)
    checksum.add(7)
    checksum.addNull()
    Array("certificate".utf8).withUnsafeBytes { checksum.add(blob: $0) }
    #expect(checksum.value == -3_712_064_459_511_845_741)
  }
}
