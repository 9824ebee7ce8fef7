// Callers: their requests, and their answers before the end of the registration.
extension Registrar {
  /// A caller asks for a registration, or for another status of a certificate. Exactly one `answer` follows, now or
  /// later.
  package func register(_ request: Request, waiter id: WaiterID, now: Moment) -> [Action] {
    if isDraining {
      refuse(id, .draining)
    } else if targets[request.key.target]?.isConfigured != true {
      // A reload removed the target while the request was on its way here.
      let known = targets.filter(\.value.isConfigured).map(\.key)
      refuse(id, .unknownTarget(request.key.target.rawValue, known: known))
    } else if let job = job(sharedBy: request) {
      // The name in an update is the one that was known. It must not undo a later one.
      let deviceID = request.purpose.registers ? request.deviceID : nil
      join(request.waiter(id, job: job), deviceID: deviceID, now: now)
    } else if let error = ledger.refusal(limit: configuration.maxPending, share: request.share) {
      refuse(id, error)
    } else {
      begin(request, waiter: id, now: now)
    }
    return takeActions()
  }

  /// The job under way whose end answers the request; `nil`: it needs one of its own.
  package func job(sharedBy request: Request) -> JobID? {
    guard let id = jobForTheSame(as: request), let job = jobs[id] else { return nil }
    // What a job establishes elsewhere is no answer. The request waits behind it.
    if job.pending.facts.belongElsewhere(than: request.place) { return nil }
    // The result is on its way to disk, with another name of the device.
    if job.isFinishing, let deviceID = request.deviceID, deviceID != job.pending.deviceID { return nil }
    return !request.refreshes || asksUpstream(id) ? id : nil
  }

  private func jobForTheSame(as request: Request) -> JobID? {
    if request.purpose == .register, request.provisioning == nil { return lines.registration(of: request.key) }
    // What was asked for later must not be overtaken.
    guard let last = lines.last(of: request.key), let job = jobs[last], job.pending.purpose == request.jobPurpose,
      job.status == request.status || request.purpose == .register,
      job.pending.provisioning?.tag == request.provisioning?.tag, request.purpose.registers || !job.isFinishing,
      // Another caller's status may end that job before a device is made.
      job.pending.namedStatus == nil || job.pending.namedStatus == request.namedStatus,
      job.pending.overridesStatus || request.ifExists != .update || request.provisioning == nil
    else { return nil }
    return last
  }

  /// Whether a job asks the upstream about its certificate, now or later.
  private func asksUpstream(_ id: JobID) -> Bool {
    guard let job = jobs[id], lines.isFirst(id) || job.pending.facts.asksAnew else { return false }
    return job.asksUpstream
  }

  private func refuse(_ id: WaiterID, _ error: ServiceError) {
    actions.append(.answer(id, .failed(error), .refused))
  }

  private func begin(_ request: Request, waiter: WaiterID, now: Moment) {
    let caller = Caller(uid: request.requester.uid, connection: request.connection)
    var pending = PendingRegistration(request, sequence: ledger.takeSequence(), now: now.wall)
    let waiter = request.waiter(waiter, job: pending.id)
    let leave = askLeave(for: pending)
    let plan = makePlan(pending)
    let last = lines.last(of: request.key)
    var permit: CallPermit?
    // If a call can start at once, the row is written as started, which saves a second commit.
    if last == nil, case .granted = leave, let next = plan.nextStep(of: pending) {
      let step = plan.steps[next]
      permit = targets[request.key.target]?.admitAtOnce(
        step.operation, caller: caller, isAwaited: waiter.isAwaiting, now: now.monotonic)
      pending.callStarted = permit != nil && step.isMarked
    }
    lines.append(pending.id, registers: pending.purpose.registers)
    let job = RegistrationJob(
      pending, since: now.monotonic, caller: caller, share: request.share?.name, plan: plan, leave: leave,
      permit: permit)
    inheritEnding(job)
    add(job, now: now)
    attach(waiter, now: now)
    commit(.enqueue(job.pending), job.id)
  }

  /// A new job missed what a job that is ending has established.
  private func inheritEnding(_ job: RegistrationJob) {
    guard let first = lines.first(of: job.id.key).flatMap({ jobs[$0] }), case .finishing(let ending) = first.state
    else { return }
    _ = job.inherit(ending, from: first.pending.facts)
  }

  /// Takes over a job that another host left behind, whose caller was told that it is safe. A job for the same that is
  /// under way here serves for both, and so does one for a status that was asked for later.
  ///
  /// - Returns: The job that carries it out, whether the disk has it already, and what has to be done; `nil`: the queue
  ///   is full, and nothing has changed.
  package func adopt(
    _ left: PendingRegistration, now: Moment
  ) -> (job: JobID, isStored: Bool, actions: [Action])? {
    if let serving = jobServing(left), let job = jobs[serving] {
      _ = coordinator.isSafe(job.pending)
      job.isPromised = true
      return (serving, !job.isStoring, takeActions())
    }
    guard ledger.refusal(limit: configuration.maxPending, share: nil) == nil else { return nil }
    var pending = left
    pending.sequence = ledger.takeSequence()
    let caller = Caller(uid: pending.requester.uid, connection: 0)
    lines.append(pending.id, registers: pending.purpose.registers)
    let job = RegistrationJob(
      pending, since: beginning(of: pending, now: now), caller: caller, share: nil, plan: makePlan(pending),
      leave: askLeave(for: pending, isPromised: true), permit: nil)
    job.isPromised = true
    inheritEnding(job)
    add(job, now: now)
    commit(.enqueue(job.pending), pending.id)
    return (pending.id, false, takeActions())
  }

  private func jobServing(_ left: PendingRegistration) -> JobID? {
    let isPlain = left.purpose == .register && left.provisioning == nil
    // The error of a job that ends was not for the caller of the other host.
    guard let id = isPlain ? lines.registration(of: left.key) : lines.last(of: left.key), let job = jobs[id],
      !job.isFailing
    else { return nil }
    if isPlain { return id }
    let isLaterUpdate =
      !left.purpose.registers && !job.pending.purpose.registers && job.pending.enqueuedAt > left.enqueuedAt
    return isLaterUpdate ? id : nil
  }

  /// Asks the coordinator about a job.
  func askLeave(for pending: PendingRegistration, isPromised: Bool = false) -> RegistrationJob.Leave {
    switch coordinator.askLeave(for: pending, isPromised: isPromised) {
    case .granted: return .granted
    case .later: return .asked
    }
  }

  private func join(_ waiter: WaiterTable.Waiter, deviceID: DeviceID?, now: Moment) {
    let id = waiter.job
    guard let job = jobs[id] else { return }
    // Callers that wait for the result are answered when it is known. A `wait:false` caller would read `queued` as a
    // promise of the status it named.
    if !waiter.isAwaiting, !job.isFinishing, let named = waiter.namedStatus, let expected = job.expectedStatus,
      named != expected
    {
      refuse(waiter.id, .statusDiffers(id.key, asked: expected, named: named))
      return
    }
    var waiter = waiter
    if let deviceID, deviceID != job.pending.deviceID {
      job.nameDevice(deviceID)
      commit(.nameDevice(id.key, deviceID), id)
    }
    // Another caller may have given that name, too.
    if deviceID != nil { waiter.namesNeeded = job.namesGiven }
    let isNamed = waiter.namesNeeded <= job.namesEnded
    // The steps after a registration may take long.
    if isNamed, let registration = job.ownRegistration(now: now.wall), waiter.isContent(with: registration) {
      actions.append(.answer(waiter.id, .registered(registration), .goesOn))
      return
    }
    attach(waiter, now: now)
    switch job.state {
    case .storing, .finishing: break
    case .following, .asking, .waiting, .permitted, .marking, .calling, .advancing, .backingOff:
      // Otherwise the caller is told once the disk knows the name.
      if !waiter.isAwaiting, isNamed { promise(job) }
    }
  }

  /// Answers the callers that want no more than the registration, which is on disk since the end of a step.
  ///
  /// - Parameter name: The number of a name: only those that depend on it.
  func tellOfRegistration(_ job: RegistrationJob, dependingOnName name: Int? = nil, now: Moment) {
    guard waiters.isAwaited(job.id), let registration = job.ownRegistration(now: now.wall) else { return }
    let isMeant = { (waiter: WaiterTable.Waiter) in waiter.isContent(with: registration) }
    let content =
      name.map { waiters.remove(of: job.id, dependingOnName: $0, where: isMeant) }
      ?? waiters.remove(of: job.id, names: job.namesEnded, where: isMeant)
    for waiter in content { actions.append(.answer(waiter.id, .registered(registration), .goesOn)) }
  }

  /// Whether a caller waits for the end of a job, or of one behind it.
  func isAwaited(_ id: JobID) -> Bool {
    waiters.isAwaited(id) || lines.next(after: id) != nil && waiters.isAwaited(id.key)
  }

  /// A caller begins to wait for the end of a job.
  private func hasten(_ id: JobID, now: Moment) {
    guard let job = jobs[id] else { return }
    if job.isWaiting, let operation = job.step?.operation {
      targets[id.target]?.promote(id, operation)
      dispatch(id.target, now: now)
    } else if let until = job.pausesUntil {
      let sooner = min(until, now.monotonic + .milliseconds(200))
      perform(job.backOff(until: sooner), id, now: now)
      deadlines.insert(.pause(id), due: sooner)
    }
  }

  private func attach(_ waiter: WaiterTable.Waiter, now: Moment) {
    waiters.add(waiter)
    guard case .result(let deadline) = waiter.expectation else { return }
    deadlines.insert(.waiter(waiter.id), due: deadline)
    // The caller waits for all jobs before its own, too.
    if let first = lines.first(of: waiter.job.key) { hasten(first, now: now) }
  }

  func stored(_ id: JobID, now: Moment) {
    guard let job = jobs[id] else { return }
    promise(job)
    // A reload may have removed the target while the request was on its way to disk.
    if targets[id.target]?.isConfigured != true, let permit = job.gaveBackPermit() {
      giveBack(permit, job)
      return
    }
    perform(job.stored(isFirst: lines.isFirst(id), now: now), id, now: now)
    noteRevocation(job, now: now)
  }

  func notStored(_ id: JobID, _ error: StoreError, now: Moment) {
    if let permit = jobs[id]?.gaveBackPermit() { targets[id.target]?.gate.cancel(permit) }
    for waiter in waiters.removeAll(of: id) { refuse(waiter.id, ServiceError(error)) }
    remove(id, nil, now: now)
    if isDraining, let first = lines.first(of: id.key) { demote(first) }
    dispatch(id.target, now: now)
  }

  /// Tells the callers that wait for the disk that the request is safe there, unless it is to be safe elsewhere, too.
  private func promise(_ job: RegistrationJob) {
    guard waiters.isForDisk(job.id), coordinator.isSafe(job.pending) else { return }
    keepPromise(job)
  }

  /// A job is safe on other hosts, too, or cannot be made so in time.
  package func isSafe(_ id: JobID) -> [Action] {
    if let job = jobs[id] { keepPromise(job) }
    return takeActions()
  }

  private func keepPromise(_ job: RegistrationJob) {
    for waiter in waiters.removeThoseForDisk(of: job.id, names: job.namesEnded) {
      job.isPromised = true
      actions.append(.answer(waiter.id, .queued, .goesOn))
    }
  }

  /// The disk knows another name of the device, or does not take it. The callers that gave it that name depend on it.
  func named(_ id: JobID, _ result: Result<Void, StoreError>, now: Moment) {
    guard let job = jobs[id] else { return }
    job.named()
    switch result {
    case .success:
      promise(job)
      tellOfRegistration(job, dependingOnName: job.namesEnded, now: now)
    case .failure(let error):
      for waiter in waiters.remove(of: id, dependingOnName: job.namesEnded, where: { _ in true }) {
        refuse(waiter.id, ServiceError(error))
      }
    }
  }

  func deadlineExceeded(_ id: WaiterID, now: Moment) {
    guard let waiter = waiters.remove(id) else { return }
    // Also while it is on its way to disk: only a disk that does not take it ends it then.
    jobs[waiter.job]?.isPromised = true
    if isDraining, let first = lines.first(of: waiter.job.key) { demote(first) }
    // The caller waits for all jobs before its own, too.
    let first = lines.first(of: waiter.job.key).flatMap { jobs[$0]?.pending.lastError }
    let lastError = jobs[waiter.job]?.pending.lastError ?? first
    let isStored = jobs[waiter.job]?.isStoring != true
    var error = ServiceError.deadlineExceeded(lastError: lastError, isStored: isStored)
    error.retryAfterMilliseconds = nextCall(jobs[waiter.job], now: now).milliseconds(since: now)
    actions.append(.answer(id, .failed(error), .goesOn))
  }
}

extension MonotonicTime {
  /// Whole milliseconds from a moment until this one, at least one.
  func milliseconds(since now: Moment) -> Int64 {
    max(1, (self - now.monotonic).milliseconds)
  }
}

extension PendingRegistration {
  /// The job of a new request.
  fileprivate init(_ request: Registrar.Request, sequence: Int64, now: WallTime) {
    var facts = JobFacts(
      earlier: request.earlier, registered: request.registered, home: request.home, place: request.place,
      asksAnew: request.refreshes)
    if request.purpose.registers, let known = request.registered {
      facts.take(known, for: request.provisioning)
      facts.isRecalled = true
    }
    self.init(
      key: request.key, sequence: sequence, purpose: request.jobPurpose, der: request.der, status: request.status,
      enqueuedAt: now, callStarted: false, attempts: 0, lastError: nil, requester: request.requester,
      deviceID: request.deviceID, basis: request.basis, provisioning: request.provisioning, facts: facts)
    guard request.purpose.registers, request.provisioning != nil else { return }
    if !setsStatus { namedStatus = request.namedStatus }
    overridesStatus = setsStatus && request.ifExists == .update
    askForUnknownStatus()
  }
}

extension Registrar.Request {
  /// A caller that takes a certificate that exists for an error wants no device to be made of it.
  fileprivate var jobPurpose: JobPurpose {
    purpose.registers && provisioning != nil && ifExists == .error ? .registerNew : purpose
  }

  fileprivate func waiter(_ id: Registrar.WaiterID, job: JobID) -> WaiterTable.Waiter {
    WaiterTable.Waiter(
      id: id, job: job, namedStatus: namedStatus, ifExists: ifExists, wantsDevice: provisioning != nil,
      expectation: expectation)
  }
}
