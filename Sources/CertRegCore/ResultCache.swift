import Synchronization

/// What the daemon knows of finished registrations, for all threads.
///
/// Event loops keep answers of their own in front of it (see `AnswerMemo`), without a lock. How they notice that something
/// was forgotten or replaced: every such change raises one of `epochs`, chosen by the certificate's ID, and a remembered answer
/// counts only while its epoch is the one that it was remembered with.
package final class ResultCache: Sendable {
  private struct State: Sendable {
    var table: ResultTable
    var arnPrefixes: [String] = []
    var fingerprints: [Int64] = []
  }

  /// A result and all that is needed to answer with it.
  package struct Known: Hashable, Sendable {
    package var entry: ResultTable.Entry
    package var arnPrefix: String
    package var policyFingerprint: Int64
    /// The end of the `cache.ttl`, in seconds since 1970. The certificate's own end is `entry.notAfter`.
    package var expiresAt: UInt32
  }

  private let state: Mutex<State>
  private let targets: Mutex<[TargetName]>
  private let timeToLive: Mutex<Duration?>
  package let epochs = EpochTable()
  package let demand = AnswerDemand()

  package init(maxEntries: Int, timeToLive: Duration?) {
    state = Mutex(State(table: ResultTable(maxEntries: maxEntries)))
    targets = Mutex([])
    self.timeToLive = Mutex(timeToLive)
  }

  /// A number for the target that stays the same for the life of the process.
  package func number(of target: TargetName) -> UInt16 {
    targets.withLock { targets in
      if let index = targets.firstIndex(of: target) { return UInt16(index + 1) }
      targets.append(target)
      return UInt16(targets.count)
    }
  }

  package func setTimeToLive(_ duration: Duration?) {
    timeToLive.withLock { $0 = duration }
    epochs.advanceAll()
  }

  package var count: Int { state.withLock { $0.table.count } }

  /// What is known of the certificate in the target, as long as it may be answered at `now`.
  package func known(_ id: CertificateID, target: UInt16, now: WallTime) -> Known? {
    let ttl = timeToLive.withLock { $0 }
    return state.withLock { state in
      guard let entry = state.table.entry(id, target: target) else { return nil }
      let expiresAt = Self.expiry(of: entry, timeToLive: ttl)
      guard now.seconds32 < expiresAt else { return nil }
      return Known(
        entry: entry, arnPrefix: state.arnPrefixes[Int(entry.arnPrefix)],
        policyFingerprint: state.fingerprints[Int(entry.fingerprint)], expiresAt: expiresAt)
    }
  }

  /// Keeps a result. `replaces`: it is news; else it was read from the store and must not undo what happened since `epoch` was read.
  package func keep(_ registration: Registration, replaces: Bool, readAt epoch: UInt32 = 0) {
    let target = number(of: registration.key.target)
    let id = registration.key.certificateID
    state.withLock { state in
      if !replaces {
        guard epochs.current(id) == epoch, state.table.entry(id, target: target) == nil else { return }
      }
      // More than 65,536 accounts or sets of policies in one process: what does not fit stays in the store alone.
      guard let prefix = registration.arnPrefix, let arnPrefix = Self.intern(prefix, in: &state.arnPrefixes),
        let fingerprint = Self.intern(registration.basis.policyFingerprint, in: &state.fingerprints)
      else { return }
      var entry = ResultTable.Entry()
      entry.certificateID = id
      entry.target = target
      entry.notBefore = registration.basis.notBefore.seconds32
      entry.notAfter = registration.basis.notAfter.seconds32
      entry.finishedAt = registration.finishedAt.seconds32
      entry.outcome = registration.outcome
      entry.status = registration.status
      entry.arnPrefix = arnPrefix
      entry.fingerprint = fingerprint
      if replaces, state.table.entry(id, target: target) != nil { epochs.advance(id) }
      // What is not in the table cannot be made void later, when news comes of it.
      if let evicted = state.table.set(entry) { epochs.advance(evicted) }
    }
  }

  /// Removes what is known and makes every remembered answer to it void.
  package func forget(_ key: RegistrationKey) {
    let target = number(of: key.target)
    state.withLock { state in
      epochs.advance(key.certificateID)
      state.table.remove(key.certificateID, target: target)
    }
  }

  /// Whether `cache.ttl` has passed since the registration.
  package func isExpired(_ registration: Registration, now: WallTime) -> Bool {
    guard let ttl = timeToLive.withLock({ $0 }) else { return false }
    return now >= registration.finishedAt + ttl
  }

  private static func expiry(of entry: ResultTable.Entry, timeToLive: Duration?) -> UInt32 {
    guard let timeToLive else { return .max }
    return UInt32(clamping: Int64(entry.finishedAt) + timeToLive.components.seconds)
  }

  private static func intern<Value: Equatable>(_ value: Value, in values: inout [Value]) -> UInt16? {
    if let index = values.firstIndex(of: value) { return UInt16(index) }
    guard values.count <= Int(UInt16.max) else { return nil }
    values.append(value)
    return UInt16(values.count - 1)
  }
}

extension Registration {
  /// The ARN without the certificate's ID at its end. `nil` if the ARN ends in another way, or holds a character that JSON
  /// has to escape: answers from memory write it as it is.
  package var arnPrefix: String? {
    let id = key.certificateID.hex
    let isPlain = certificateARN.utf8.allSatisfy { (0x20...0x7e).contains($0) && $0 != 0x22 && $0 != 0x5c }
    return isPlain && certificateARN.hasSuffix(id) ? String(certificateARN.dropLast(id.utf8.count)) : nil
  }
}

extension WallTime {
  /// Seconds since 1970, cut to what 32 bits hold.
  package var seconds32: UInt32 { UInt32(clamping: secondsSinceEpoch) }
}

/// Counters that say whether something remembered about a certificate still holds.
package final class EpochTable: Sendable {
  private static let size = 1024

  // An array cannot hold atomics, which are noncopyable. The memory is allocated once, freed in deinit, and reached
  // through atomic operations alone.
  nonisolated(unsafe) private let counters: UnsafeMutablePointer<Atomic<UInt32>>

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

  package func advance(_ id: CertificateID) {
    counters[Int(truncatingIfNeeded: id.words.0) & (Self.size - 1)].wrappingAdd(1, ordering: .acquiringAndReleasing)
  }

  package func advanceAll() {
    for index in 0..<Self.size { counters[index].wrappingAdd(1, ordering: .acquiringAndReleasing) }
  }
}
