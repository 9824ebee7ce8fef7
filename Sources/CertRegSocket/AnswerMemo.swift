package import CertRegCore
import Glibc

/// The results that one event loop remembers, by a hash of `certificatePem` as it stands on the wire: a repeat needs
/// neither base64 nor SHA-256 nor a lock.
///
/// A remembered answer holds as long as its epoch does (see `ResultCache`): `forget`, `refresh`, a changed result and
/// new policies raise it. Its end (`cache.ttl`, the certificate's `notAfter`) is compared with the clock on each use.
/// The table has a fixed size and two places for each hash; a new entry replaces the older of the two.
package struct AnswerMemo: ~Copyable {
  /// A remembered result.
  package struct Entry: Sendable {
    /// Hash of the text.
    package var hash = TextHash.Value()
    /// The certificate in the text.
    package var certificateID = CertificateID()
    /// The certificate's epoch, read before the result was.
    package var epoch: UInt32 = 0
    /// The result may be answered from `notBefore` to before `expiresAt`, in seconds since 1970.
    package var notBefore: UInt32 = 0
    /// See `notBefore`.
    package var expiresAt: UInt32 = 0
    /// Index into the loop's list of ARN prefixes.
    package var arnPrefix: UInt32 = 0
    /// Stands for the device's name.
    package var deviceTag = DeviceTag.none
    /// 0: a free place.
    package var target: UInt16 = 0
    /// How the registration ended.
    package var outcome = RegistrationOutcome.created
    /// The known status; `nil`: it is not known.
    package var status: CertificateStatus?

    package init() {}
  }

  // From calloc(3) and freed in deinit, owned by this one value: unused pages take no memory, and a look-up costs
  // neither a reference count nor a check for exclusive access. An entry of zeros is a free place, and entries are
  // plain values.
  private let entries: UnsafeMutablePointer<Entry>
  private let mask: Int

  /// - Parameter sizeLog2: The table has 2^sizeLog2 places.
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
    // The bits of NH's sum of products are not equally distributed; a multiplication mixes them.
    Int(truncatingIfNeeded: ((hash.low ^ hash.high) &* 0x9e37_79b9_7f4a_7c15) >> 32) & mask
  }

  /// The entry for a text and target, whatever its epoch.
  package func find(_ hash: TextHash.Value, target: UInt16) -> Entry? {
    let first = place(hash)
    if entries[first].hash == hash, entries[first].target == target { return entries[first] }
    if entries[first + 1].hash == hash, entries[first + 1].target == target { return entries[first + 1] }
    return nil
  }

  /// Remembers an entry in place of the older one of its hash's two places.
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
