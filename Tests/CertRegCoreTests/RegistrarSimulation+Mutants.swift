import CertRegCore

extension RegistrarSimulation {
  /// A way to break the core on purpose: what it takes, decides or shows is changed.
  enum Mutant: CaseIterable {
    /// `queued` is answered when the request comes, not when it is on disk.
    case promisesTooEarly
    /// That a call begins is not written down.
    case forgetsToMark
    /// A call is made twice.
    case callsTwice
    /// The result is answered and not written down.
    case forgetsResults
    /// An answer is left out.
    case losesAnswers
    /// What an earlier process left is not taken up.
    case forgetsTheQueue
    /// What goes on with a reload is not carried out.
    case ignoresReloads
    /// A 409 is always somebody else's.
    case disownsItsCalls
    /// What was known before a request is not passed on.
    case losesEarlierStatus
    /// What was known before a request is passed on for a refresh alone.
    case forgetsExpiredStatus
    /// A status that differs from the named one is answered with success.
    case hidesStatusConflicts
    /// `queue.maxAge` has no effect.
    case expiresNothing
    /// Calls that nobody waits for begin during a drain.
    case drainsUnawaited
    /// A call goes to another target than the one asked for.
    case mixesTargetsUp
    /// An entry that was moved counts twice.
    case countsStaleEntries

    /// Whether `violation` shows this mutant. Others may follow from it.
    func isShown(by violation: Violation) -> Bool {
      switch (self, violation) {
      case (.promisesTooEarly, .queuedBeforeDisk), (.forgetsToMark, .callThatDiskDoesNotKnow),
        (.callsTwice, .twoCallsAtOnce), (.forgetsResults, .successBeforeDisk), (.losesAnswers, .deadlineMissed),
        (.forgetsTheQueue, .rowLeftBehind), (.ignoresReloads, .wrongUnderWay),
        (.disownsItsCalls, .existingAlthoughOurs),
        (.losesEarlierStatus, .knownStatusLost), (.forgetsExpiredStatus, .knownStatusLost),
        (.hidesStatusConflicts, .quietSuccessForAnotherStatus),
        (.expiresNothing, .tooOld), (.drainsUnawaited, .beginsUnawaitedWhileDraining),
        (.mixesTargetsUp, .callThatDiskDoesNotKnow), (.countsStaleEntries, .wrongQueued):
        true
      default: false
      }
    }
  }

  func mutated(_ action: Registrar.Action) -> [Registrar.Action] {
    switch (mutant, action) {
    case (.forgetsToMark, .commit(let id, let changes)): return [.commit(id, changes.compactMap(Self.unmarked))]
    case (.forgetsResults, .commit(let id, let changes)):
      return [.commit(id, changes.filter { if case .complete = $0 { false } else { true } })]
    case (.callsTwice, .call): return [action, action]
    case (.losesAnswers, .answer(let waiter, _)) where waiter % 7 == 0: return []
    case (.disownsItsCalls, .commit(let id, let changes)): return [.commit(id, changes.map(Self.disowned))]
    case (.hidesStatusConflicts, .answer(let waiter, .failed(let error))) where error.reason == .statusDiffers:
      guard let known = waiting[waiter].flatMap({ disk.results[$0.key] }) else { return [action] }
      return [.answer(waiter, .registered(known))]
    case (.mixesTargetsUp, .call(var key, let status, let der)):
      key.target = key.target == Self.first ? Self.second : Self.first
      return [.call(key, status, der: der)]
    default: return [action]
    }
  }

  private static func unmarked(_ change: StoreChange) -> StoreChange? {
    switch change {
    case .markCallStarted: return nil
    case .enqueue(var row):
      row.callStarted = false
      return .enqueue(row)
    default: return change
    }
  }

  private static func disowned(_ change: StoreChange) -> StoreChange {
    guard case .complete(var registration) = change else { return change }
    registration.outcome = .existing
    return .complete(registration)
  }
}
