import CertRegCore

// Requests, and the results known at the time of each request.
extension RegistrarSimulation {
  mutating func ask() {
    if oneIn(4) { return askForStatus() }
    ask(for: anyKey())
  }

  mutating func ask(for key: RegistrationKey) {
    let isRefresh = oneIn(6)
    let named: CertificateStatus? = oneIn(2) ? anyStatus() : nil
    // Half of the requests are under a configuration with a default status.
    let byDefault: CertificateStatus? = Bool.random(using: &random) ? nil : oneIn(3) ? .inactive : .active
    let provisioning = oneIn(2) ? anyDevice(of: key) : nil
    let ifExists: IfExists = oneIn(4) ? .error : oneIn(3) ? .update : .return
    let status = KnownResults.Wish.status(named: named, default: byDefault, ifExists, provisioning)
    let wish = KnownResults.Wish(
      namedStatus: named, status: status, ifExists: ifExists, refresh: isRefresh, provisioning: provisioning)
    var waiter = waiter(key, wish.setsStatus ? .registerAndSet : .register, named, ifExists)
    (waiter.status, waiter.provisioning) = (status, provisioning)
    if isRefresh { waiter.refreshedAfter = registerReplies[key] ?? 0 }
    var request = request(waiter, status)
    request.refreshes = isRefresh
    request.provisioning = provisioning
    request.der = [UInt8](repeating: 1, count: oneIn(6) ? 2049 : 1)
    switch disk.decide(wish, on: key, timeToLive: settings.timeToLive, now: now.wall) {
    case .answer(let known), .answerAfterNaming(let known, _):
      // Jobs under way may change the certificate.
      guard wish.changesCertificate, core.hasJob(of: key) else { return tell(known, to: waiter) }
      request.takeKnown(known, at: nil)
    case .goOn(let known): request.takeKnown(known, at: nil)
    case .refuse(let error): return noteRefusal(error, key)
    case .ask(let earlier):
      if earlier != nil { reach(isRefresh ? .refresh : .cacheExpiry) }
      if passesOn(isRefresh) { request.earlier = earlier }
    }
    send(request, waiter)
  }

  private mutating func tell(_ known: Registration, to waiter: Waiter) {
    reach(.cachedAnswer)
    check(told: known.status, waiter.key)
    checkDevice(known, toldTo: waiter)
  }

  private mutating func askForStatus() {
    reach(.update)
    let key = anyKey()
    let waiter = waiter(key, .update, anyStatus(), .return)
    var request = request(waiter, waiter.namedStatus)
    if let known = disk.results[key] { request.takeKnown(known, at: nil) }
    send(request, waiter)
  }

  private mutating func waiter(
    _ key: RegistrationKey, _ purpose: JobPurpose, _ named: CertificateStatus?, _ ifExists: IfExists
  ) -> Waiter {
    let deadline = now.monotonic + .milliseconds(Int64.random(in: 1...5000, using: &random))
    return Waiter(
      key: key, purpose: purpose, namedStatus: named, ifExists: ifExists,
      deadline: Bool.random(using: &random) ? deadline : nil)
  }

  private mutating func request(_ waiter: Waiter, _ status: CertificateStatus?) -> Registrar.Request {
    let uid = UInt32.random(in: 1...3, using: &random)
    return Registrar.Request(
      key: waiter.key, purpose: waiter.purpose, der: [], basis: .anyTime, namedStatus: waiter.namedStatus,
      status: status, ifExists: waiter.ifExists, requester: Requester(uid: uid),
      connection: UInt64.random(in: 1...2, using: &random),
      expectation: waiter.deadline.map { .result(deadline: $0) } ?? .queued, share: uid == 3 ? Self.share : nil)
  }

  /// Whether the request has an earlier result, current or not.
  private func passesOn(_ isRefresh: Bool) -> Bool {
    switch mutant {
    case .losesEarlierStatus: false
    case .forgetsExpiredStatus: isRefresh
    default: true
    }
  }

  private mutating func send(_ request: Registrar.Request, _ waiter: Waiter) {
    let id = nextWaiter
    nextWaiter += 1
    waiting[id] = waiter
    let refusal = expectedRefusal(of: request)
    if core.shares(request) {
      reach(request.purpose == .update ? .sharedUpdate : request.provisioning == nil ? .join : .provisioningShared)
    }
    let actions = core.register(request, waiter: id, now: now)
    check(actions, refuse: id, with: refusal)
    for case .commit(_, let changes) in actions {
      for case .enqueue(let row) in changes { begin(row, request) }
    }
    if waiter.deadline != nil {
      for id in flights.keys where id.key == request.key { flights[id]?.wasAwaited = true }
    }
    perform(actions)
    if mutant == .promisesTooEarly, request.expectation == .queued, waiting[id] != nil {
      perform([.answer(id, .queued, .goesOn)])
    }
  }

  private mutating func begin(_ row: PendingRegistration, _ request: Registrar.Request) {
    checkDevice(row, of: request)
    let isBeginning = core.isBeginning(row.id)
    flights[row.id] = Flight(
      uid: row.requester.uid, purpose: row.purpose, slots: row.slots, share: request.share?.name, since: now.monotonic,
      isBeginning: isBeginning)
    if row.facts.asksAnew { refreshes.insert(row.id) }
    if isBeginning {
      turns.take(
        row.key.target, core.operation(of: row.id), request.expectation == .queued ? .others : .awaited,
        uid: row.requester.uid, at: now.monotonic)
    }
  }

  private func expectedRefusal(of request: Registrar.Request) -> Reason? {
    if isDraining { return .draining }
    if !settings.targets.contains(request.key.target) { return .unknownTarget }
    if core.shares(request) { return nil }
    if slots() >= Self.maxPending { return .queueFull }
    guard let share = request.share else { return nil }
    return slots(of: share.name) >= share.limit ? .queueShareFull : nil
  }

  private func slots(of share: String? = nil) -> Int {
    flights.values.reduce(0) { sum, flight in
      share == nil || flight.share == share ? sum + flight.slots : sum
    }
  }

  private static let refusals: [Reason: Event] = [
    .draining: .drainingRefusal, .unknownTarget: .unknownTarget, .queueFull: .queueRefusal,
    .queueShareFull: .shareRefusal,
  ]

  private mutating func check(
    _ actions: [Registrar.Action], refuse waiter: SimulatedCore.WaiterID, with expected: Reason?
  ) {
    var refusal: Reason?
    for case .answer(waiter, .failed(let error), _) in actions where Self.refusals[error.reason] != nil {
      refusal = error.reason
    }
    if refusal != expected { violations.append(.wrongRefusal(expected: expected, was: refusal)) }
    if let event = refusal.flatMap({ Self.refusals[$0] }) { reach(event) }
  }

  /// Whether a caller waits for the end of a job of the certificate. It waits for those before that job, too.
  func isAwaited(_ id: JobID) -> Bool {
    waiting.values.contains { $0.key == id.key && $0.deadline != nil }
  }
}
