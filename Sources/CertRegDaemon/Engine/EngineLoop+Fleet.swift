import CertRegCore
import CertRegStore

/// A job under way, for `lookup`.
struct PendingJob: Sendable {
  var view: Registrar.PendingView
  /// `nil`: there is no fleet.
  var standing: FleetStanding?
}

// Other hosts of the same account.
extension EngineLoop {
  // MARK: Asking

  /// Asks the fleet before a registration begins. Returns whether it does: then the request goes on later.
  func askFleet(_ request: Registrar.Request, completion: @escaping RegistrationEngine.Completion) -> Bool {
    guard let fleet, request.purpose.registers else { return false }
    guard registrar.job(sharedBy: request) == nil else {
      if request.refreshes { fleet.refresh(request.key) }
      return false
    }
    // Where something is known that does not answer, only a newer result counts.
    let since = request.refreshes || request.earlier != nil ? fleet.since() : Int64.min
    let isCalled = registrar.callsAtOnce(request.key.target, now: clock.monotonic)
    return fleet.claim(request.key, since: since, isCalled: isCalled) { [self] answer in
      guard case .known(let result) = answer else {
        return register(request, asksFleet: false, completion: completion)
      }
      fleet.check(result) { registration in
        if var registration {
          // The verdict is this host's own.
          registration.basis = request.basis
          self.adopt(fleet.asked(result, as: request.key), registration, isAsked: true)
        }
        self.register(request, asksFleet: false, completion: completion)
      }
    }
  }

  // MARK: Answers

  func coordinated(_ id: JobID, _ answer: Coordination.Answer) {
    perform(registrar.coordinated(id.key, sequence: id.sequence, answer, now: clock.now))
  }

  func mayCall(_ id: JobID, _ isGranted: Bool) { perform(registrar.mayCall(id, isGranted, now: clock.now)) }

  func revokedElsewhere(_ key: RegistrationKey) { perform(registrar.revokedElsewhere(key, now: clock.now)) }

  func mayBeRevoked(_ key: RegistrationKey) { perform(registrar.mayBeRevoked(key, now: clock.now)) }

  func isSafe(_ sequence: Int64) {
    guard let job = registrar.job(sequence) else { return }
    perform(registrar.isSafe(job.id))
  }

  func learn(_ order: FleetMember.PaceOrder, of operation: UpstreamOperation, target: TargetName) {
    perform(
      registrar.learn(
        order.learnt, endsRise: order.endsRise, of: operation, target: target, now: clock.now))
  }

  func paceIsUntold(of operation: UpstreamOperation, target: TargetName) {
    registrar.paceIsUntold(of: operation, target: target)
  }

  func shareChanged(of target: TargetName) { perform(registrar.shareChanged(of: target, now: clock.now)) }

  func takePaces(of target: TargetName) -> [Registrar.PaceView] {
    registrar.takePaces(of: target, now: clock.monotonic)
  }

  func pendingJob(_ sequence: Int64) -> PendingRegistration? { registrar.job(sequence) }

  func hasJob(of key: RegistrationKey) -> Bool { registrar.hasJob(of: key) }

  var pendingCount: Int { registrar.pendingCount }

  var hasRoomForOthers: Bool { registrar.hasRoomForOthers }

  var targetNames: [TargetName] { figures.targets }

  /// Carries out what another host left behind; `begun` gets the job, and whether the disk has it already.
  ///
  /// - Returns: `false`: the queue is full, and it is to be tried again later.
  func takeOver(_ pending: PendingRegistration, begun: (JobID, _ isStored: Bool) -> Void) -> Bool {
    // The next process finds it in the database.
    guard !registrar.isDraining else { return true }
    var pending = pending
    pending.facts.place = pending.facts.place ?? known.home(of: pending.key.target).jobHome
    guard let (job, isStored, actions) = registrar.adopt(pending, now: clock.now) else { return false }
    begun(job, isStored)
    perform(actions)
    return true
  }

  // MARK: Results

  /// Takes another host's result in place of what this host knows.
  ///
  /// - Parameters:
  ///   - other: The result.
  ///   - registration: The result as this host keeps it; `nil`: it was forgotten.
  ///   - isAsked: Whether a caller waits for it.
  func adopt(_ other: ResultOfOthers, _ registration: Registration?, isAsked: Bool = false) {
    guard let fleet else { return }
    let home = known.home(of: other.key.target)
    let id = other.key.certificateID
    var kept = registration
    kept?.key = other.stored
    if registration == nil { known.memory.forget(id, in: home) }
    if isAsked, let registration { known.memory.keep(registration, in: home, replaces: true) }
    let changes = fleet.beginAdoption(of: other, kept, home: home.jobHome)
    commit(changes) { engine, error in
      engine.fleet?.endAdoption(of: other, isKept: error == nil)
      engine.tellFleet(of: changes, error.map { .failure($0) } ?? .success(()))
      if error == nil, let registration {
        engine.known.memory.keep(registration, in: home, replaces: true)
      } else if registration == nil || isAsked {
        // News of a result that is not on disk would be left aside.
        engine.known.memory.forget(id, in: home)
      }
    }
  }

  /// The fleet's note about a change; `nil` if the change does not concern the fleet.
  func note(of change: StoreChange) -> StoreChange? {
    switch change {
    case .complete(let id, let registration):
      let home = known.home(of: id.target, at: registrar.home(of: id))
      return fleet?.note(answered: id, registration, in: home)
        ?? fleet?.note(id.key, in: home, .result(SharedResult.Content(registration)), endOf: id)
    case .setStatus(let id, let update):
      let home = known.home(of: id.target, at: registrar.home(of: id))
      return fleet?.note(update.key, in: home, .onDisk, endOf: id)
    case .keep(let registration, let home):
      return fleet?.note(
        registration.key, in: known.home(of: registration.key.target, at: home),
        .result(SharedResult.Content(registration)))
    case .doubtStatus(let key, let home, _): return fleet?.note(key, in: known.home(of: key.target, at: home), .onDisk)
    case .fail(let id, let failure) where failure.isGone:
      return fleet?.note(id.key, in: known.home(of: id.target, at: registrar.home(of: id)), .forgotten, endOf: id)
    case .fail(let id, let failure) where failure.statusIsInDoubt:
      return fleet?.note(failure.key, in: known.home(of: id.target, at: registrar.home(of: id)), .onDisk, endOf: id)
    case .enqueue, .markCallStarted, .noteAttempt, .noteProgress, .nameDevice, .forget, .fail, .share: return nil
    }
  }

  /// A change with its note. Without a registration the note says that it is forgotten.
  func noted(
    _ change: StoreChange, _ key: RegistrationKey, _ registration: Registration? = nil, in home: ResultHome? = nil
  ) -> [StoreChange] {
    let note = fleet?.note(
      key, in: home ?? known.home(of: key.target), registration.map { .result(SharedResult.Content($0)) } ?? .forgotten)
    return [change] + (note.map { [$0] } ?? [])
  }

  /// Tells the fleet what commits made durable, and what they did not.
  func tellFleet(of commits: [EndedCommit]) {
    for commit in commits { tellFleet(of: commit.changes, commit.result) }
  }

  /// Tells the fleet what became of changes.
  func tellFleet(of changes: [StoreChange], _ result: Result<Void, StoreError>) {
    guard let fleet else { return }
    let isKept = if case .success = result { true } else { false }
    for change in changes {
      switch change {
      case .share(let stored, let note): fleet.noted(stored, note, isKept: isKept)
      case .enqueue(let pending) where isKept: fleet.isStored(pending.id)
      default: break
      }
    }
  }
}
