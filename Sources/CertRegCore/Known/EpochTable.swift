import Synchronization

/// Counters that say whether something remembered about a certificate still holds.
package final class EpochTable: Sendable {
  private static let size = 1024

  // An array cannot hold atomics, which are noncopyable. The memory is allocated once, freed in deinit, and reached
  // through atomic operations alone.
  nonisolated(unsafe) private let counters: UnsafeMutablePointer<Atomic<UInt32>>

  /// A table in which no certificate has changed yet.
  package init() {
    counters = .allocate(capacity: Self.size)
    for index in 0..<Self.size { (counters + index).initialize(to: Atomic(0)) }
  }

  deinit {
    counters.deinitialize(count: Self.size)
    counters.deallocate()
  }

  package func current(_ id: CertificateID) -> UInt32 {
    counters[Int(truncatingIfNeeded: id.words.0) & (Self.size - 1)].load(ordering: .acquiring)
  }

  /// Makes every remembered answer for the certificate void.
  package func advance(_ id: CertificateID) {
    counters[Int(truncatingIfNeeded: id.words.0) & (Self.size - 1)].wrappingAdd(1, ordering: .acquiringAndReleasing)
  }

  /// Makes every remembered answer void.
  package func advanceAll() {
    for index in 0..<Self.size { counters[index].wrappingAdd(1, ordering: .acquiringAndReleasing) }
  }
}
