import CertRegClock
import CertRegCore
import Foundation
import Testing

@testable import CertRegStore

/// One flipped bit in the pages of the database's header and schema.
@Suite struct FlippedBitTests {
  /// All bits of the schema, which take minutes, are flipped where `CERTREG_FLIPPED_BITS` is `all`.
  private static let flipsAll = ProcessInfo.processInfo.environment["CERTREG_FLIPPED_BITS"] == "all"
  private static let sampleSize = 200
  private static let headerBits = 0..<800

  /// Every bit of the header, and of the schema's pages as many as there is time for.
  private static func bits(_ pages: [Int], _ generator: inout SplitMix64) -> [Int] {
    let size = 8 * Schema.pageSizeBytes
    let all = pages.flatMap { ($0 - 1) * size..<$0 * size }
    if flipsAll { return all }
    let rest = all.filter { !headerBits.contains($0) }.shuffled(using: &generator)
    return Array(headerBits) + rest.prefix(sampleSize)
  }

  /// A state directory that is copied for each bit.
  private struct Original {
    static let registration = Sample.device(30)
    static let queued = Sample.pendingDevice(2)
    let database: [UInt8]
    let mark: Data
    /// Numbers of the pages that `sqlite_master` takes.
    let pages: [Int]

    init() async throws {
      let directory = try TemporaryDirectory()
      let store = try SQLiteRegistrationStore(directory)
      try await store.commit([
        .enqueue(Original.queued), .complete(Original.registration), .fail(Sample.failure(3)),
      ])
      store.close()
      let connection = try Connection(path: directory.file("certregd.db"))
      let numbers = try connection.text("SELECT group_concat(pageno) FROM dbstat WHERE name = 'sqlite_schema'")
      pages = try #require(numbers).split(separator: ",").compactMap { Int($0) }
      database = [UInt8](try Data(contentsOf: URL(fileURLWithPath: directory.file("certregd.db"))))
      mark = try Data(contentsOf: URL(fileURLWithPath: directory.file("certregd.high-water")))
    }

    func copy(flipping bit: Int) throws -> TemporaryDirectory {
      let copy = try TemporaryDirectory()
      try StateDirectory(path: copy.path).create()
      var bytes = database
      bytes[bit / 8] ^= 1 << UInt8(bit % 8)
      try Data(bytes).write(to: URL(fileURLWithPath: copy.file("certregd.db")))
      try mark.write(to: URL(fileURLWithPath: copy.file("certregd.high-water")))
      return copy
    }
  }

  private enum End: Hashable { case service, salvage, refusal }

  /// Opens the state twice, since a start that ends in service must not be the last.
  private func start(_ directory: TemporaryDirectory) throws -> End {
    var end = End.service
    for _ in 1...2 {
      let recorder = NoticeRecorder()
      let opened: StoreOpening.Opened
      do throws(StoreError) {
        let opening = StoreOpening(
          directory: StateDirectory(path: directory.path), clock: .system, onProgress: { _ in },
          onNotice: { recorder.record($0) })
        opened = try opening.open()
      } catch {
        guard error.code == .newerVersion else { throw error }
        return .refusal
      }
      if recorder.kinds.contains(.salvaged) { end = .salvage }
      let queued = try QueueContents(opened.writer.connection).entries
      #expect(queued.map(\.der) == [Original.queued.der])
      #expect(queued.map(\.provisioning) == [Original.queued.provisioning])
      let reader = try RecordReader(path: directory.file("certregd.db"), names: opened.names)
      guard case .record(.registered(Original.registration), _) = try reader.record(for: Original.registration.key)
      else {
        Issue.record("the result is lost")
        break
      }
    }
    return end
  }

  @Test(arguments: [UInt64.random(in: 1...UInt64.max)])
  func `ends in service, salvage or a clear refusal, and loses nothing`(seed: UInt64) async throws {
    let original = try await Original()
    #expect(original.pages.contains(1))
    var generator = SplitMix64(seed: seed)
    var ends: [End: Int] = [:]
    for bit in FlippedBitTests.bits(original.pages, &generator) {
      do {
        ends[try start(original.copy(flipping: bit)), default: 0] += 1
      } catch {
        Issue.record("bit \(bit), seed \(seed): \(error)")
      }
    }
    print("store bit seed \(seed): \(ends)")
    // Bits of each kind are there, so that none of the three is merely thought of.
    #expect(ends.count == 3)
  }
}
