package import CertRegCore
import Glibc

/// The results that one event loop remembers, by a hash of `certificatePem` as it stands on the wire: a repeat needs
/// neither base64 nor SHA-256 nor a lock.
///
/// A remembered answer holds as long as its epoch does (see `ResultCache`): `forget`, `refresh`, a changed result and
/// new policies raise it. Its end (`cache.ttl`, the certificate's `notAfter`) is compared with the clock on each use.
/// The table has a fixed size and two places for each hash; a new entry replaces the older of the two.
package struct AnswerMemo: ~Copyable {
  /// Bytes of the longest text for the member `provisioning` that an entry can have: the memory of a loop has a bound.
  package static let longestProvisioning = 4096

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
    package var arnPrefix: UInt16 = 0
    /// Stands for the profile that was applied (`ProvisioningTag`); 0: none was, or its text is too long.
    package var provisioningTag: UInt64 = 0
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
  // The texts of the entries with a `provisioningTag`, at the same places: each from malloc(3), owned by this value,
  // and freed when its entry goes. The other places are never touched, so that their pages take no memory; zeros are an
  // empty buffer.
  private let provisioning: UnsafeMutablePointer<UnsafeMutableRawBufferPointer>
  private let mask: Int

  /// - Parameter sizeLog2: The table has 2^sizeLog2 places.
  package init(sizeLog2: Int) {
    let count = 1 << sizeLog2
    guard let memory = calloc(count, MemoryLayout<Entry>.stride),
      let texts = calloc(count, MemoryLayout<UnsafeMutableRawBufferPointer>.stride)
    else { fatalError("out of memory for \(count) remembered answers") }
    entries = memory.bindMemory(to: Entry.self, capacity: count)
    provisioning = texts.bindMemory(to: UnsafeMutableRawBufferPointer.self, capacity: count)
    mask = count - 2
  }

  deinit {
    for place in 0..<mask + 2 where entries[place].provisioningTag != 0 { free(provisioning[place].baseAddress) }
    free(provisioning)
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

  /// The text that an entry was remembered with; valid until the next `remember`. Empty where there is none.
  package func provisioning(of entry: Entry) -> UnsafeRawBufferPointer {
    let first = place(entry.hash)
    for place in first...first + 1 where entries[place].isAbout(entry) && entries[place].provisioningTag != 0 {
      return UnsafeRawBufferPointer(provisioning[place])
    }
    return UnsafeRawBufferPointer(start: nil, count: 0)
  }

  /// Remembers an entry in place of the older one of its hash's two places.
  ///
  /// - Parameters:
  ///   - entry: The entry.
  ///   - text: The value of the answer's member `provisioning`, of an entry with a `provisioningTag`; else empty.
  package func remember(_ entry: Entry, provisioning text: [UInt8] = []) {
    precondition(text.isEmpty == (entry.provisioningTag == 0))
    let first = place(entry.hash)
    if !entries[first].isAbout(entry) {
      dropText(first + 1)
      entries[first + 1] = entries[first]
      if entries[first].provisioningTag != 0 {
        provisioning[first + 1] = provisioning[first]
        provisioning[first] = UnsafeMutableRawBufferPointer(start: nil, count: 0)
      }
    } else {
      dropText(first)
    }
    entries[first] = entry
    if !text.isEmpty { provisioning[first] = Self.copy(text) }
  }

  private func dropText(_ place: Int) {
    guard entries[place].provisioningTag != 0 else { return }
    free(provisioning[place].baseAddress)
    provisioning[place] = UnsafeMutableRawBufferPointer(start: nil, count: 0)
  }

  private static func copy(_ text: [UInt8]) -> UnsafeMutableRawBufferPointer {
    guard let memory = malloc(text.count) else { fatalError("out of memory for \(text.count) bytes") }
    let copy = UnsafeMutableRawBufferPointer(start: memory, count: text.count)
    copy.copyBytes(from: text)
    return copy
  }
}

extension AnswerMemo.Entry {
  /// Whether both are about the same text and target.
  fileprivate func isAbout(_ other: AnswerMemo.Entry) -> Bool {
    hash == other.hash && target == other.target
  }
}
