import Synchronization

/// The results of finished registrations in memory, for all threads. What a result is worth for an answer is decided by
/// ``KnownResults``.
///
/// Event loops keep answers of their own in front of it (see `AnswerMemo`), without a lock. Every change that forgets
/// or replaces a result raises one of `epochs`, chosen by the certificate's ID, and a remembered answer counts only
/// while its epoch is the one it was remembered with.
package final class ResultCache: Sendable {
  private struct State: Sendable {
    var table: ResultTable
    var provisioned = ProvisionedTable()
    var arnPrefixes = InternTable<String>(limit: Int(UInt16.max) + 1)
    var fingerprints = InternTable<Int64>(limit: Int(UInt16.max) + 1)
    /// By a target's number, the number that its results are kept under where that is another one; 0: it is not.
    var homes: [UInt16] = []

    func home(of target: UInt16) -> UInt16 {
      guard Int(target) < homes.count, homes[Int(target)] != 0 else { return target }
      return homes[Int(target)]
    }

    /// Adds references to what a result shares with others; `nil`: results refer to 65,536 other accounts, or sets of
    /// policies, already.
    mutating func takeShared(of registration: Registration) -> (arnPrefix: UInt16, fingerprint: UInt16)? {
      guard let prefix = registration.arnPrefix, let arnPrefix = arnPrefixes.take(prefix) else { return nil }
      guard let fingerprint = fingerprints.take(registration.basis.policyFingerprint) else {
        arnPrefixes.release(arnPrefix)
        return nil
      }
      return (UInt16(arnPrefix), UInt16(fingerprint))
    }

    mutating func releaseShared(_ arnPrefix: UInt16, _ fingerprint: UInt16) {
      arnPrefixes.release(Int(arnPrefix))
      fingerprints.release(Int(fingerprint))
    }
  }

  /// A result and all that is needed to answer with it.
  package struct Known: Hashable, Sendable {
    /// The result.
    package var entry: ResultTable.Entry
    /// The ARN without the certificate ID at its end.
    package var arnPrefix: String
    /// The set of policies that the certificate was accepted under.
    package var policyFingerprint: Int64
    /// The profile that was applied to the certificate; `nil`: none.
    @Boxed package var provisioned: Provisioned?
  }

  private let state: Mutex<State>
  private let numbers = Mutex<[TargetName: UInt16]>([:])
  /// Say whether a remembered answer still holds.
  package let epochs = EpochTable()

  /// - Parameter maxEntries: The most results at once; another one makes room.
  package init(maxEntries: Int) {
    state = Mutex(State(table: ResultTable(maxEntries: maxEntries)))
  }

  /// A number for the target that stays the same for the life of the process; 0: there are no more numbers, and memory
  /// keeps nothing of the target.
  package func number(of target: TargetName) -> UInt16 {
    numbers.withLock { numbers in
      if let number = numbers[target] { return number }
      guard numbers.count < Int(UInt16.max) else { return 0 }
      let number = UInt16(numbers.count + 1)
      numbers[target] = number
      return number
    }
  }

  /// Answers for targets with the results of other homes from now on. The results of the homes before stay.
  package func move(to homes: [ResultHome]) {
    let pairs = homes.map { (number(of: $0.target), number(of: $0.name)) }
    state.withLock { state in
      for (target, home) in pairs where target != 0 {
        if Int(target) >= state.homes.count {
          state.homes += [UInt16](repeating: 0, count: Int(target) + 1 - state.homes.count)
        }
        state.homes[Int(target)] = home
      }
      epochs.advanceAll()
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
    state.withLock { state in
      let home = state.home(of: target)
      guard let entry = state.table.entry(id, target: home) else { return nil }
      return Known(
        entry: entry, arnPrefix: state.arnPrefixes[Int(entry.arnPrefix)],
        policyFingerprint: state.fingerprints[Int(entry.fingerprint)],
        provisioned: state.provisioned.provisioned(id, target: home))
    }
  }

  /// Keeps a result.
  ///
  /// - Parameters:
  ///   - registration: The result.
  ///   - home: Where the result belongs; `nil`: to the home that its target has now.
  ///   - replaces: Whether the result is news. Otherwise it was read from the store, and must not undo what happened
  ///     since.
  ///   - epoch: The certificate's epoch before the store was read.
  package func keep(
    _ registration: Registration, in home: ResultHome? = nil, replaces: Bool, readAt epoch: UInt32 = 0
  ) {
    let number = number(of: home?.name ?? registration.key.target)
    let id = registration.key.certificateID
    state.withLock { state in
      let target = home == nil ? state.home(of: number) : number
      guard target != 0 else { return }
      if !replaces {
        guard epochs.current(id) == epoch, state.table.entry(id, target: target) == nil else { return }
      }
      // What does not fit stays in the store alone.
      guard let shared = state.takeShared(of: registration) else {
        // An entry that is no longer true must go.
        if replaces { forget(id, target, &state) }
        return
      }
      guard state.provisioned.set(registration.provisioned, id, target: target) else {
        state.releaseShared(shared.arnPrefix, shared.fingerprint)
        if replaces { forget(id, target, &state) }
        return
      }
      var entry = ResultTable.Entry()
      entry.certificateID = id
      entry.target = target
      entry.notBefore = registration.basis.notBefore.seconds32
      entry.notAfter = registration.basis.notAfter.seconds32
      entry.finishedAt = registration.finishedAt.seconds32
      entry.outcome = registration.outcome
      entry.status = registration.status
      entry.deviceTag = registration.deviceTag
      (entry.arnPrefix, entry.fingerprint) = shared
      // Event loops know prefixes by their numbers. No number may stand for another prefix while a remembered answer
      // with it holds.
      if let replaced = state.table.entry(id, target: target) {
        epochs.advance(id)
        state.releaseShared(replaced.arnPrefix, replaced.fingerprint)
      }
      // What is not in the table cannot be made void later, when news comes of it.
      if let evicted = state.table.set(entry) {
        epochs.advance(evicted.certificateID)
        state.releaseShared(evicted.arnPrefix, evicted.fingerprint)
        _ = state.provisioned.set(nil, evicted.certificateID, target: evicted.target)
      }
    }
  }

  /// Notes that a device has another name. An answer of the store that was read before the change counts no longer.
  package func nameDevice(_ key: RegistrationKey, _ tag: DeviceTag) {
    let number = number(of: key.target)
    state.withLock { state in
      epochs.advance(key.certificateID)
      guard var entry = state.table.entry(key.certificateID, target: state.home(of: number)) else { return }
      entry.deviceTag = tag
      state.table.set(entry)
    }
  }

  /// Notes that a certificate has another status. An answer of the store that was read before the change counts no
  /// longer.
  ///
  /// - Parameters:
  ///   - update: The change.
  ///   - home: Where the result belongs.
  package func setStatus(_ update: StatusUpdate, in home: ResultHome) {
    let number = number(of: home.name)
    let id = update.key.certificateID
    state.withLock { state in
      epochs.advance(id)
      guard var entry = state.table.entry(id, target: number) else { return }
      entry.status = update.status
      entry.finishedAt = update.finishedAt.seconds32
      state.table.set(entry)
    }
  }

  /// Removes a result of a home and makes every remembered answer with it void.
  package func forget(_ id: CertificateID, in home: ResultHome) {
    let number = number(of: home.name)
    state.withLock { forget(id, number, &$0) }
  }

  /// Removes a result and makes every remembered answer with it void.
  package func forget(_ key: RegistrationKey) {
    let target = number(of: key.target)
    state.withLock { forget(key.certificateID, $0.home(of: target), &$0) }
  }

  private func forget(_ id: CertificateID, _ target: UInt16, _ state: inout State) {
    epochs.advance(id)
    if let entry = state.table.entry(id, target: target) {
      state.table.remove(id, target: target)
      state.releaseShared(entry.arnPrefix, entry.fingerprint)
    }
    _ = state.provisioned.set(nil, id, target: target)
  }
}
