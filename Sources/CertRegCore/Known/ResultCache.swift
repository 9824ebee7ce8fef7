import Synchronization

/// The results of finished registrations in memory, for all threads. What a result is worth for an answer is decided by
/// ``KnownResults``.
///
/// Event loops keep answers of their own in front of it (see `AnswerMemo`), without a lock. Every change that forgets or replaces
/// a result raises one of `epochs`, chosen by the certificate's ID, and a remembered answer counts only while its epoch is the
/// one it was remembered with.
package final class ResultCache: Sendable {
  private struct State: Sendable {
    var table: ResultTable
    var arnPrefixes: [String] = []
    var fingerprints: [Int64] = []
  }

  /// A result and all that is needed to answer with it.
  package struct Known: Hashable, Sendable {
    /// The result.
    package var entry: ResultTable.Entry
    /// The ARN without the certificate ID at its end.
    package var arnPrefix: String
    /// The set of policies that the certificate was accepted under.
    package var policyFingerprint: Int64
  }

  private let state: Mutex<State>
  private let targets: Mutex<[TargetName: UInt16]>
  /// Stands for the targets beyond the 65,535 that have a number of their own. Memory keeps nothing of them.
  private static let unnumbered: UInt16 = 0
  /// Say whether a remembered answer still holds.
  package let epochs = EpochTable()

  /// - Parameter maxEntries: The most results at once; another one makes room.
  package init(maxEntries: Int) {
    state = Mutex(State(table: ResultTable(maxEntries: maxEntries)))
    targets = Mutex([:])
  }

  /// A number for the target that stays the same for the life of the process. Reloads may bring any count of names: those
  /// beyond 65,535 share the number 0, under which nothing is known.
  package func number(of target: TargetName) -> UInt16 {
    targets.withLock { targets in
      if let number = targets[target] { return number }
      guard targets.count < Int(UInt16.max) else { return Self.unnumbered }
      let number = UInt16(targets.count + 1)
      targets[target] = number
      return number
    }
  }

  /// How many results memory has.
  package var count: Int { state.withLock { $0.table.count } }

  /// The result of the certificate in the target; `nil`: memory has none.
  ///
  /// - Parameters:
  ///   - id: The certificate's ID.
  ///   - target: The target's number: see ``number(of:)``.
  package func known(_ id: CertificateID, target: UInt16) -> Known? {
    guard target != Self.unnumbered else { return nil }
    return state.withLock { state in
      guard let entry = state.table.entry(id, target: target) else { return nil }
      return Known(
        entry: entry, arnPrefix: state.arnPrefixes[Int(entry.arnPrefix)],
        policyFingerprint: state.fingerprints[Int(entry.fingerprint)])
    }
  }

  /// Keeps a result.
  ///
  /// - Parameters:
  ///   - registration: The result.
  ///   - replaces: Whether the result is news. Otherwise it was read from the store, and must not undo what happened since.
  ///   - epoch: The certificate's epoch before the store was read.
  package func keep(_ registration: Registration, replaces: Bool, readAt epoch: UInt32 = 0) {
    let target = number(of: registration.key.target)
    let id = registration.key.certificateID
    guard target != Self.unnumbered else { return }
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

  private static func intern<Value: Equatable>(_ value: Value, in values: inout [Value]) -> UInt16? {
    if let index = values.firstIndex(of: value) { return UInt16(index) }
    guard values.count <= Int(UInt16.max) else { return nil }
    values.append(value)
    return UInt16(values.count - 1)
  }
}
