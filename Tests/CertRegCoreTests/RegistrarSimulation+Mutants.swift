import CertRegCore

extension RegistrarSimulation {
  /// A way to break the core on purpose, by changing its input, its actions or its counts.
  enum Mutant: CaseIterable {
    /// `queued` is answered when the request comes, not when it is on disk.
    case promisesTooEarly
    /// The start of a call is not written down.
    case forgetsToMark
    /// A call is made twice.
    case callsTwice
    /// The result is answered and not written down.
    case forgetsResults
    /// An answer is left out.
    case losesAnswers
    /// The queue of an earlier process is not resumed.
    case forgetsTheQueue
    /// The actions of a reload are not carried out.
    case ignoresReloads
    /// Every certificate counts as another client's.
    case disownsItsCalls
    /// No request brings the earlier result.
    case losesEarlierStatus
    /// Only a refresh brings the earlier result.
    case forgetsExpiredStatus
    /// A status that differs from the named one is answered with success.
    case hidesStatusConflicts
    /// `queue.maxAge` has no effect.
    case expiresNothing
    /// Calls without a waiting caller begin during a drain.
    case drainsUnawaited
    /// A call goes to another target than the one asked for.
    case mixesTargetsUp
    /// An update is answered and its status not written down.
    case forgetsUpdates
    /// A status stays known although a lost call may have changed it.
    case trustsDoubtfulStatuses
    /// A device is told although a step failed.
    case tellsFailedDevices
    /// A profile's policies are left out.
    case skipsPolicies
    /// A step that failed for good counts as done.
    case takesFailuresForSuccess
    /// The status is set before the device is made.
    case activatesFirst
    /// A certificate that is to be activated last is registered as ACTIVE.
    case registersActive
    /// A device is made of a certificate that exists although the caller takes that for an error.
    case changesExisting
    /// The end of a step is not written down.
    case forgetsProgress
    /// A step counts as done that was never made.
    case inventsProgress
    /// A job that goes on with the steps of another one does not know of them.
    case losesProgress
    /// A result without a device takes the failure of a device's step away.
    case forgetsStepFailures
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
        (.mixesTargetsUp, .callThatDiskDoesNotKnow), (.countsStaleEntries, .wrongQueued),
        (.tellsFailedDevices, .deviceToldTooEarly), (.skipsPolicies, .stepOutOfOrder),
        (.takesFailuresForSuccess, .progressInvented), (.activatesFirst, .activatesTooEarly),
        (.registersActive, .callWithAnotherStatus), (.changesExisting, .changesWhatIsLeftAlone),
        (.forgetsProgress, .stepOutOfOrder), (.inventsProgress, .progressInvented), (.losesProgress, .progressLost),
        (.forgetsStepFailures, .stepFailureLost),
        (.forgetsUpdates, .successBeforeDisk), (.trustsDoubtfulStatuses, .remembersWhatIsNotOnDisk):
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
    case (.losesAnswers, .answer(let waiter, _, _)) where waiter % 7 == 0: return []
    case (.disownsItsCalls, .commit(let id, let changes)): return [.commit(id, changes.map(Self.disowned))]
    case (.hidesStatusConflicts, .answer(let waiter, .failed(let error), _)) where error.reason == .statusDiffers:
      guard let known = waiting[waiter].flatMap({ disk.results[$0.key] }) else { return [action] }
      return [.answer(waiter, .registered(known), .end)]
    case (.mixesTargetsUp, .call(var id, let call)):
      id.key.target = id.target == Self.first ? Self.second : Self.first
      return [.call(id, call)]
    case (.forgetsUpdates, .commit(let id, let changes)):
      return [.commit(id, changes.filter { if case .setStatus = $0 { false } else { true } })]
    case (.tellsFailedDevices, .answer(let waiter, .failed(let error), _)) where error.failedStep != nil:
      guard let known = waiting[waiter].flatMap({ disk.results[$0.key] }) else { return [action] }
      return [.answer(waiter, .registered(known), .end)]
    case (.forgetsProgress, .commit(let id, let changes)):
      return [.commit(id, changes.filter { if case .noteProgress = $0 { false } else { true } })]
    case (.inventsProgress, .commit(let id, let changes)): return [.commit(id, changes.map(Self.inventing))]
    case (.losesProgress, .commit(let id, let changes)): return [.commit(id, changes.map(Self.losing))]
    case (.forgetsStepFailures, .commit(let id, let changes)): return [.commit(id, changes.map(Self.mended))]
    case (.registersActive, .call(let id, .registerCertificateWithoutCA(var call))):
      call.status = .active
      return [.call(id, .registerCertificateWithoutCA(call))]
    case (.trustsDoubtfulStatuses, .commit(let id, let changes)): return [.commit(id, changes.map(Self.trusting))]
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
    guard case .complete(let id, var registration) = change else { return change }
    registration.outcome = .existing
    return .complete(id, registration)
  }

  private static func trusting(_ change: StoreChange) -> StoreChange {
    guard case .fail(let id, var failure) = change else { return change }
    failure.statusIsInDoubt = false
    return .fail(id, failure)
  }

  private static func mended(_ change: StoreChange) -> StoreChange {
    guard case .complete(let id, var registration) = change else { return change }
    registration.leavesFailure = false
    return .complete(id, registration)
  }

  private static func inventing(_ change: StoreChange) -> StoreChange {
    guard case .noteProgress(let id, var facts) = change else { return change }
    facts.completedSteps += 1
    return .noteProgress(id, facts)
  }

  private static func losing(_ change: StoreChange) -> StoreChange {
    guard case .noteProgress(let id, var facts) = change else { return change }
    facts.completedSteps = 1
    return .noteProgress(id, facts)
  }

  // MARK: Plans

  /// The plans of a mutant.
  static func plan(_ mutant: Mutant?) -> Plan.Maker {
    { pending in
      var plan = Plan.plan(for: pending)
      switch mutant {
      case .skipsPolicies: plan.steps.removeAll { $0.operation == .attachPolicy }
      case .takesFailuresForSuccess: plan.steps = plan.steps.map { Broken($0, takesFailuresForSuccess: true) }
      case .changesExisting: plan.steps = plan.steps.map { Broken($0, isAlwaysNeeded: true) }
      case .activatesFirst:
        if plan.steps.count > 2, plan.steps.last?.operation == .updateCertificate {
          plan.steps.insert(plan.steps.removeLast(), at: 1)
        }
      default: break
      }
      return plan
    }
  }

  /// A step that is broken on purpose.
  private struct Broken: Step {
    let step: any Step
    let takesFailuresForSuccess: Bool
    let isAlwaysNeeded: Bool

    init(_ step: any Step, takesFailuresForSuccess: Bool = false, isAlwaysNeeded: Bool = false) {
      self.step = step
      self.takesFailuresForSuccess = takesFailuresForSuccess && step is ProvisioningStep
      self.isAlwaysNeeded = isAlwaysNeeded && step is ProvisioningStep
    }

    var operation: UpstreamOperation { step.operation }
    var isMarked: Bool { step.isMarked }
    var changesStatus: Bool { step.changesStatus }

    func isNeeded(for pending: PendingRegistration) -> Bool { isAlwaysNeeded || step.isNeeded(for: pending) }

    func call(for pending: PendingRegistration) -> UpstreamCall { step.call(for: pending) }

    func read(_ reply: UpstreamReply, to pending: PendingRegistration, mayHaveTakenEffect: Bool) -> StepResult {
      var reply = reply
      if takesFailuresForSuccess, case .failed(let failure) = reply, failure.disposition == .final {
        reply = .provisioned(DeviceResources(), requestID: nil)
      }
      return step.read(reply, to: pending, mayHaveTakenEffect: mayHaveTakenEffect)
    }
  }
}
