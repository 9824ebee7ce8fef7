package import CertRegCore
import Glibc

/// What one event loop remembers of texts that it has answered: from a hash of `certificatePem` as it stands on the wire to
/// the result, so that a repeat needs neither base64 nor SHA-256 nor a lock.
///
/// A remembered answer holds as long as its epoch does (see `ResultCache`): `forget`, `refresh`, a changed result and new
/// policies raise it. Its end (`cache.ttl`, the certificate's `notAfter`) is looked at on each use. The table has a
/// fixed size and two places for each hash; the older one gives way.
package struct AnswerMemo: ~Copyable {
  package struct Entry: Sendable {
    package var hash = TextHash.Value()
    package var certificateID = CertificateID()
    package var epoch: UInt32 = 0
    /// Seconds since 1970 between which it may be answered.
    package var notBefore: UInt32 = 0
    package var expiresAt: UInt32 = 0
    /// Index into the loop's list of ARN prefixes.
    package var arnPrefix: UInt32 = 0
    /// 0: a free place.
    package var target: UInt16 = 0
    package var outcome = RegistrationOutcome.created
    package var status: CertificateStatus?

    package init() {}
  }

  // Memory of the one memo, from calloc(3) and freed in deinit: pages that hold nothing yet take no memory, and a look costs
  // neither a reference count nor a check of who else is at it. An entry of zeros is a free place, and entries are plain values.
  private let entries: UnsafeMutablePointer<Entry>
  private let mask: Int

  /// `sizeLog2`: the table has 2^sizeLog2 places.
  package init(sizeLog2: Int) {
    let count = 1 << sizeLog2
    guard let memory = calloc(count, MemoryLayout<Entry>.stride) else {
      fatalError("out of memory for \(count) remembered answers")
    }
    entries = memory.bindMemory(to: Entry.self, capacity: count)
    mask = count - 2
  }

  deinit {
    free(entries)
  }

  /// The first of the two places of a hash.
  private func place(_ hash: TextHash.Value) -> Int {
    // Multiplied, because not every bit of the sum of products is as good as the other.
    Int(truncatingIfNeeded: ((hash.low ^ hash.high) &* 0x9e37_79b9_7f4a_7c15) >> 32) & mask
  }

  /// The entry for a text and target, whatever its epoch.
  package func find(_ hash: TextHash.Value, target: UInt16) -> Entry? {
    let first = place(hash)
    if entries[first].hash == hash, entries[first].target == target { return entries[first] }
    if entries[first + 1].hash == hash, entries[first + 1].target == target { return entries[first + 1] }
    return nil
  }

  /// Remembers an entry, in place of the older of the two that its hash may stand at.
  package func remember(_ entry: Entry) {
    let first = place(entry.hash)
    if entries[first].hash == entry.hash, entries[first].target == entry.target {
      entries[first] = entry
      return
    }
    entries[first + 1] = entries[first]
    entries[first] = entry
  }
}
