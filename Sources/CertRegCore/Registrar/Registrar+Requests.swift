// Callers: their requests, and their answers before the end of the registration.
extension Registrar {
  /// A caller asks for a registration. Exactly one `answer` follows, now or later.
  package mutating func register(_ request: Request, waiter id: WaiterID, now: Moment) -> [Action] {
    let key = request.key
    let waiter = WaiterTable.Waiter(
      id: id, key: key, namedStatus: request.namedStatus, ifExists: request.ifExists, expectation: request.expectation)
    if isDraining {
      refuse(id, .draining)
    } else if targets[key.target]?.isConfigured != true {
      // A reload removed the target while the request was on its way here.
      let known = targets.filter(\.value.isConfigured).map(\.key)
      refuse(id, .unknownTarget(key.target.rawValue, known: known))
    } else if jobs[key] != nil {
      join(waiter, deviceID: request.deviceID, now: now)
    } else if let error = ledger.refusal(limit: configuration.maxPending, share: request.share) {
      refuse(id, error)
    } else {
      begin(request, waiter, now: now)
    }
    return takeActions()
  }

  private mutating func refuse(_ id: WaiterID, _ error: ServiceError) {
    actions.append(.answer(id, .failed(error), .refused))
  }

  private mutating func begin(_ request: Request, _ waiter: WaiterTable.Waiter, now: Moment) {
    let key = request.key
    let sequence = ledger.takeSequence()
    let leave: RegistrationJob.Leave =
      switch coordinator.askLeave(for: key, sequence: sequence) {
      case .granted: .granted
      case .later: .asked
      }
    let caller = Caller(uid: request.requester.uid, connection: request.connection)
    var pending = PendingRegistration(
      key: key, sequence: sequence, der: request.der, status: request.status, enqueuedAt: now.wall, callStarted: false,
      attempts: 0, lastError: nil, requester: request.requester, deviceID: request.deviceID, basis: request.basis,
      facts: JobFacts(earlier: request.earlier))
    let plan = makePlan(pending)
    var permit: CallPermit?
    // If a call can start at once, the row is written as started, which saves a second commit.
    if case .granted = leave, let operation = plan.steps.first?.operation {
      permit = targets[key.target]?.admitAtOnce(
        operation, caller: caller, isAwaited: waiter.isAwaiting, now: now.monotonic)
      pending.callStarted = permit != nil
    }
    add(
      RegistrationJob(
        pending, since: now.monotonic, caller: caller, share: request.share?.name, plan: plan, leave: leave,
        permit: permit), now: now)
    attach(waiter)
    commit(.enqueue(pending), key)
  }

  private mutating func join(_ waiter: WaiterTable.Waiter, deviceID: DeviceID?, now: Moment) {
    let key = waiter.key
    guard let job = jobs[key] else { return }
    // Callers that wait for the result are answered when it is known. A `wait:false` caller would read `queued` as a
    // promise of the status it named.
    if !waiter.isAwaiting, !job.isFinishing, let named = waiter.namedStatus, let asked = job.status, named != asked {
      refuse(waiter.id, .statusDiffers(key, asked: asked, named: named))
      return
    }
    attach(waiter)
    if let deviceID, deviceID != job.pending.deviceID {
      jobs[key]?.nameDevice(deviceID)
      commit(.nameDevice(key, deviceID), key)
    }
    switch job.state {
    case .storing, .finishing: break
    case .asking, .waiting, .marking, .calling, .advancing, .backingOff:
      if waiter.isAwaiting {
        hasten(job, now: now)
      } else if jobs[key]?.namesUnderWay == 0 {
        // Otherwise the caller is told once the disk knows the name.
        promise(key)
      }
    }
  }

  /// A caller begins to wait for a job.
  private mutating func hasten(_ job: RegistrationJob, now: Moment) {
    let key = job.pending.key
    if job.isWaiting, let operation = job.step?.operation {
      targets[key.target]?.promote(key, operation)
      dispatch(key.target, now: now)
    } else if let until = job.pausesUntil {
      let sooner = min(until, now.monotonic + .milliseconds(200))
      perform(jobs[key]?.backOff(until: sooner), key, now: now)
      deadlines.insert(.pause(key), due: sooner)
    }
  }

  private mutating func attach(_ waiter: WaiterTable.Waiter) {
    waiters.add(waiter)
    if case .result(let deadline) = waiter.expectation { deadlines.insert(.waiter(waiter.id), due: deadline) }
  }

  mutating func stored(_ key: RegistrationKey, now: Moment) {
    guard jobs[key] != nil else { return }
    promise(key)
    // A reload may have removed the target while the request was on its way to disk.
    if targets[key.target]?.isConfigured != true, let permit = jobs[key]?.gaveBackPermit() {
      giveBack(permit, key)
      return
    }
    perform(jobs[key]?.stored(now: now.monotonic), key, now: now)
  }

  mutating func notStored(_ key: RegistrationKey, _ error: StoreError, now: Moment) {
    if let permit = jobs[key]?.gaveBackPermit() { targets[key.target]?.gate.cancel(permit) }
    remove(key, nil)
    for waiter in waiters.removeAll(of: key) { refuse(waiter.id, ServiceError(error)) }
    dispatch(key.target, now: now)
  }

  /// Tells the callers that wait for the disk that the request is safe there.
  private mutating func promise(_ key: RegistrationKey) {
    for waiter in waiters.removeThoseForDisk(of: key) {
      jobs[key]?.isPromised = true
      actions.append(.answer(waiter.id, .queued, .goesOn))
    }
  }

  /// The disk knows another name of the device, or does not take it. Callers that wait for the disk depend on it.
  mutating func named(_ key: RegistrationKey, _ result: Result<Void, StoreError>) {
    jobs[key]?.named()
    switch result {
    case .success: promise(key)
    case .failure(let error):
      for waiter in waiters.removeThoseForDisk(of: key) { refuse(waiter.id, ServiceError(error)) }
    }
  }

  mutating func deadlineExceeded(_ id: WaiterID, now: Moment) {
    guard let waiter = waiters.remove(id) else { return }
    if isDraining { demote(waiter.key) }
    var error = ServiceError.deadlineExceeded(lastError: jobs[waiter.key]?.pending.lastError)
    error.retryAfterMilliseconds = nextCall(waiter.key, now: now).milliseconds(since: now)
    actions.append(.answer(id, .failed(error), .goesOn))
  }

  /// From now on the registrar refuses requests and begins only calls with a waiting caller.
  package mutating func beginDraining(now: Moment) -> [Action] {
    isDraining = true
    for key in jobs.keys { demote(key) }
    return takeActions()
  }

  /// Keeps a job from its turn during a drain, unless a caller waits for it.
  private mutating func demote(_ key: RegistrationKey) {
    guard !waiters.isAwaited(key), let job = jobs[key], job.isWaiting, let operation = job.step?.operation else {
      return
    }
    targets[key.target]?.demote(key, operation)
  }

  /// Answers all waiting callers that the daemon stops.
  package mutating func endDraining() -> [Action] {
    for waiter in waiters.removeAll() { actions.append(.answer(waiter.id, .failed(.draining), .goesOn)) }
    return takeActions()
  }
}

extension MonotonicTime {
  /// Whole milliseconds from a moment until this one, at least one.
  func milliseconds(since now: Moment) -> Int64 {
    max(1, (self - now.monotonic).milliseconds)
  }
}
