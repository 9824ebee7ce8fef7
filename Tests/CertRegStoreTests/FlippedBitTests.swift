import CertRegCore
import Foundation
import Testing

@testable import CertRegStore

/// One flipped bit in the first page, which has the database's header and its schema.
@Suite struct FlippedBitTests {
  /// Every bit of the header; of the schema, which is 40 times as long, as many as the suite has time for.
  private static func bits(_ generator: inout SplitMix64) -> [Int] {
    Array(0..<800) + (0..<150).map { _ in Int.random(in: 800..<8 * Schema.pageSizeBytes, using: &generator) }
  }

  @Test(arguments: [UInt64.random(in: 1...UInt64.max)])
  func `ends in service or a clear refusal, and loses nothing`(seed: UInt64) async throws {
    print("store bit seed \(seed)")
    let original = try TemporaryDirectory()
    let store = try SQLiteRegistrationStore(original)
    let result = Sample.registration(2)
    try await store.commit([.enqueue(Sample.pending(1)), .complete(result), .fail(Sample.failure(3))])
    store.close()
    let bytes = try Data(contentsOf: URL(fileURLWithPath: original.file("certregd.db")))
    var generator = SplitMix64(seed: seed)
    for bit in FlippedBitTests.bits(&generator) {
      let copy = try original.copyAsLeftByKill()
      var changed = bytes
      changed[bit / 8] ^= 1 << UInt8(bit % 8)
      try changed.write(to: URL(fileURLWithPath: copy.file("certregd.db")))
      do throws(StoreError) {
        let opened = try SQLiteRegistrationStore(copy)
        let pending = try opened.pendingRegistrations()
        #expect(pending.map(\.der) == [Sample.pending(1).der], "bit \(bit), seed \(seed)")
        #expect(try opened.record(for: result.key) == .registered(result), "bit \(bit), seed \(seed)")
        opened.close()
        #expect(throws: Never.self, "bit \(bit), seed \(seed): the second start") {
          try SQLiteRegistrationStore(copy).close()
        }
      } catch {
        #expect(error.code == .newerVersion, "bit \(bit), seed \(seed): \(error.message)")
      }
    }
  }
}
