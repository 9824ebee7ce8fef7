import CertRegTesting

@testable import CertRegCore

/// A process of the daemon: the registrar with the duties of `EngineLoop` around it. Those of `FleetLoop` are in an
/// extension.
final class SimulatedFleetProcess {
  typealias Completion = (_ answer: Registrar.Answer, _ isKnown: Bool) -> Void

  unowned let host: SimulatedFleetHost
  unowned let world: FleetSimulation
  let machine: SimulatedFleetMachine
  var registrar: Registrar
  var isRunning = true
  var memory: [RegistrationKey: Registration] = [:]
  var completions: [Registrar.WaiterID: Completion] = [:]
  private var nextWaiter: Registrar.WaiterID = 1
  private var registrarTimer: MonotonicTime?
  private var diskIsBusyUntil: MonotonicTime

  // Of the fleet.
  var answers: [FleetMember.Token: (FleetMember.Answer) -> Void] = [:]
  var results: FleetResults
  var takenRows: [JobID: [Int64]] = [:]
  var isCarryingOut = false
  var memberTimer: MonotonicTime?
  /// The database's connection that the process has; `nil`: none.
  var connection: Int?
  /// That of the last join.
  var session: Int64 = 0
  var exchangeBegan: MonotonicTime?
  /// When the process last could not reach the database, or waited too long for it.
  var cutOffAt: MonotonicTime

  init(_ host: SimulatedFleetHost, in world: FleetSimulation) {
    self.host = host
    self.world = world
    let now = world.moment(of: host)
    machine = SimulatedFleetMachine(
      FleetMember(
        name: host.name, progress: host.progress, seed: world.random.next(), now: now), now: now)
    // Small, so that results have to wait on disk.
    results = FleetResults(
      host.progress, mostNews: 6, pageSize: 3, interval: .seconds(2), at: now.monotonic)
    registrar = Registrar(
      configuration: .init(maxPending: world.oneIn(4) ? 3 : 1000, maxAge: nil),
      coordinator: SimulatedFleetCoordinator(machine: machine), seed: world.random.next())
    (diskIsBusyUntil, cutOffAt) = (now.monotonic, now.monotonic)
  }

  /// As at a start of the daemon: the queue is resumed, and the fleet begins once a worker has read the notes.
  func start() {
    let firstSequence = host.store.nextSequence
    after(.milliseconds(world.some(1...30))) { process in
      process.begin((try? process.host.store.highestFleetNote()) ?? (0, 0), firstSequence: firstSequence)
    }
    machine.now = now
    perform(
      registrar.setTargets(
        [FleetSimulation.target.name: TargetLimits(operations: [:], maxConcurrent: 4)], now: now))
    let pending = (try? host.store.pendingRegistrations()) ?? []
    perform(registrar.resume(pending, firstSequence: firstSequence, now: now))
    settle()
  }

  var now: Moment { world.moment(of: host) }

  /// Calls `body` later, unless the process is gone by then.
  func after(_ delay: Duration, _ body: @escaping (SimulatedFleetProcess) -> Void) {
    world.after(delay) { [self] in
      guard isRunning else { return }
      machine.now = now
      body(self)
      settle()
    }
  }

  /// Carries out what the machine has decided, and sets the timers.
  func settle() {
    guard isRunning else { return }
    carryOut()
    if let due = registrar.nextDeadline, registrarTimer.map({ due < $0 }) ?? true {
      registrarTimer = due
      after(max(.zero, due - now.monotonic)) { process in
        process.registrarTimer = nil
        process.perform(process.registrar.timePassed(now: process.now))
      }
    }
  }

  // MARK: Requests

  func known(_ key: RegistrationKey) -> Registration? {
    if let known = memory[key] { return known }
    guard let known = try? host.store.registration(for: key) else { return nil }
    memory[key] = known
    return known
  }

  func register(
    _ key: RegistrationKey, refresh: Bool, isDevice: Bool = false, expectation: Registrar.Expectation,
    completion: @escaping Completion
  ) {
    var request = request(key, isDevice ? .registerAndSet : .register, expectation)
    request.refreshes = refresh
    if isDevice {
      request.provisioning = FleetSimulation.device
      (request.namedStatus, request.status) = (.active, .active)
    }
    if let known = known(key) {
      if let answer = take(known, &request) { return completion(answer, true) }
    }
    register(request, refresh: refresh, asksFleet: true, completion)
  }

  /// As `KnownResults` of the daemon. Returns the answer, if what is known is one.
  private func take(_ known: Registration, _ request: inout Registrar.Request) -> Registrar.Answer? {
    guard let registered = RegisteredCertificate(known), !request.refreshes else {
      request.earlier = EarlierResult(outcome: known.outcome, status: known.status)
      return nil
    }
    guard let device = request.provisioning else { return .registered(known) }
    let hasDevice = known.provisioned?.tag == device.tag && known.provisioned?.isComplete == true
    if hasDevice, known.status == .active { return .registered(known) }
    if hasDevice || registered.isKeptFromActivation {
      return .failed(.statusDiffers(known, known: known.status ?? .inactive, named: .active))
    }
    request.takeKnown(known, at: nil)
    return nil
  }

  private func request(
    _ key: RegistrationKey, _ purpose: JobPurpose, _ expectation: Registrar.Expectation
  ) -> Registrar.Request {
    Registrar.Request(
      key: key, purpose: purpose, der: purpose.registers ? [1] : [], basis: .anyTime, namedStatus: nil, status: nil,
      ifExists: .return, requester: Requester(uid: 1), expectation: expectation)
  }

  private func register(
    _ asked: Registrar.Request, refresh: Bool, asksFleet: Bool, _ completion: @escaping Completion
  ) {
    var request = asked
    if let known = memory[request.key], let answer = take(known, &request) { return completion(answer, true) }
    if asksFleet, askFleet(request, refresh: refresh, completion) { return }
    begin(request, completion)
    if !registrar.hasJob(of: request.key) {
      machine.member.giveUp(SimulatedFleetCoordinator.fleetKey(request.key))
    }
  }

  private func askFleet(_ request: Registrar.Request, refresh: Bool, _ completion: @escaping Completion) -> Bool {
    guard registrar.job(sharedBy: request) == nil else {
      if refresh { machine.member.refresh(SimulatedFleetCoordinator.fleetKey(request.key), now: now.wall) }
      return false
    }
    guard machine.isStarted else { return false }
    let since = refresh || request.earlier != nil ? machine.member.since(now.wall) : Int64.min
    let isCalled = registrar.callsAtOnce(request.key.target, now: now.monotonic)
    let key = SimulatedFleetCoordinator.fleetKey(request.key)
    guard let token = machine.member.claim(key, isCalled: isCalled, since: since, now: now) else { return false }
    answers[token] = { [self] answer in
      defer { machine.member.giveUp(key) }
      guard case .known(let result) = answer else {
        return register(request, refresh: refresh, asksFleet: false, completion)
      }
      check(result) { process, registration in
        if let registration {
          let other = ResultOfOthers(
            result: result, number: FleetNote.ofOthers, key: request.key, stored: request.key)
          process.adopt(other, registration, isAsked: true)
        }
        process.register(request, refresh: refresh, asksFleet: false, completion)
      }
    }
    return true
  }

  func update(
    _ key: RegistrationKey, to status: CertificateStatus, expectation: Registrar.Expectation,
    completion: @escaping Completion
  ) {
    var request = request(key, .update, expectation)
    (request.namedStatus, request.status) = (status, status)
    if let known = known(key) { request.takeKnown(known, at: nil) }
    begin(request, completion)
  }

  private func begin(_ request: Registrar.Request, _ completion: @escaping Completion) {
    completions[nextWaiter] = completion
    nextWaiter += 1
    perform(registrar.register(request, waiter: nextWaiter - 1, now: now))
  }

  /// - Parameter completion: Gets whether there was anything to forget.
  func forget(_ key: RegistrationKey, completion: @escaping (Bool) -> Void) {
    if known(key) != nil { return forgetKnown(key, completion) }
    let fleetKey = SimulatedFleetCoordinator.fleetKey(key)
    guard machine.isStarted, let token = machine.member.find(fleetKey, now: now) else { return completion(false) }
    answers[token] = { [self] answer in
      guard case .found(_?, _) = answer else { return completion(false) }
      forgetKnown(key, completion)
    }
  }

  private func forgetKnown(_ key: RegistrationKey, _ completion: @escaping (Bool) -> Void) {
    memory[key] = nil
    let note = note(key, .forgotten)
    commit([.forget(key), note]) { process, isKept in
      process.noted(note, isKept: isKept)
      process.memory[key] = nil
      completion(isKept)
    }
  }

  // MARK: Effects

  func perform(_ actions: [Registrar.Action]) {
    for action in actions {
      switch action {
      case .commit(let id, let changes):
        let kept = changes.flatMap { [$0] + (note(of: $0).map { [$0] } ?? []) }
        commit(kept) { process, isKept in
          for change in kept { process.noted(change, isKept: isKept) }
          for case .share(let key, let note) in kept where isKept && note.number == 0 && !note.isForgotten {
            process.world.kept(key, on: process)
          }
          let result: Result<Void, StoreError> =
            isKept ? .success(()) : .failure(StoreError(.full, message: "simulated"))
          process.perform(process.registrar.committed(id, result, now: process.now))
        }
      case .call(let id, let call): world.begin(call, id, of: self)
      case .remember(let registration, _): memory[registration.key] = registration
      case .rememberStatus(let update, _):
        if let known = memory[update.key] { memory[update.key] = update.applied(to: known) }
      case .forget(let key, _): memory[key] = nil
      case .ended(let id, let ending): world.ended(id, ending, on: self)
      case .report(let fault): world.violate(.impossibleEvent("\(fault.event) in \(fault.state)"))
      case .answer(let waiter, let answer, _): completions.removeValue(forKey: waiter)?(answer, false)
      }
    }
  }

  /// Commits take effect in their order. Those that have not when the process dies are lost. A full disk takes none.
  ///
  /// - Parameter completion: Gets whether the disk took them.
  func commit(_ changes: [StoreChange], _ completion: @escaping (SimulatedFleetProcess, _ isKept: Bool) -> Void) {
    diskIsBusyUntil = max(diskIsBusyUntil, now.monotonic) + .microseconds(world.some(200...12_000))
    after(diskIsBusyUntil - now.monotonic) { process in
      if process.host.isDiskFull { return completion(process, false) }
      process.host.store.commit(changes) { _ in }
      for case .enqueue(let pending) in changes { process.isStored(pending.id) }
      completion(process, true)
    }
  }

  private func note(of change: StoreChange) -> StoreChange? {
    switch change {
    case .complete(let id, let registration):
      results.note(answered: id, registration, storedAs: id.key)
        ?? note(id.key, .result(SharedResult.Content(telling: registration)), endOf: id)
    case .setStatus(let id, let update): note(update.key, .onDisk, endOf: id)
    case .keep(let registration, _):
      note(registration.key, .result(SharedResult.Content(telling: registration)))
    case .fail(let id, let failure) where failure.isGone: note(id.key, .forgotten, endOf: id)
    case .fail(let id, let failure) where failure.statusIsInDoubt: note(failure.key, .onDisk, endOf: id)
    case .enqueue, .markCallStarted, .noteAttempt, .noteProgress, .nameDevice, .doubtStatus, .forget, .fail, .share: nil
    }
  }
}
