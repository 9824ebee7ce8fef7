import CertRegCore

// Requests, and the results known at the time of each request.
extension RegistrarSimulation {
  /// The model of the cache: it answers with the result on disk for as long as `cache.ttl` allows.
  private func answersFromCache(_ known: Registration) -> Bool {
    guard let timeToLive = settings.timeToLive else { return true }
    return now.wall < known.finishedAt + timeToLive
  }

  mutating func ask() {
    let key = anyKey()
    let known = disk.results[key]
    let isRefresh = oneIn(6)
    if let known, !isRefresh {
      if answersFromCache(known) {
        reach(.cachedAnswer)
        return
      }
      reach(.cacheExpiry)
    }
    if known != nil, isRefresh { reach(.refresh) }
    let named: CertificateStatus? = oneIn(2) ? anyStatus() : nil
    let deadline = now.monotonic + .milliseconds(Int64.random(in: 1...5000, using: &random))
    let waiter = Waiter(
      key: key, namedStatus: named, ifExists: oneIn(4) ? .error : .return,
      deadline: Bool.random(using: &random) ? deadline : nil)
    let uid = UInt32.random(in: 1...3, using: &random)
    let request = Registrar.Request(
      key: key, der: [UInt8](repeating: 1, count: oneIn(6) ? 2049 : 1), basis: .anyTime, namedStatus: named,
      // Half of the requests are under a configuration with a default status.
      status: named ?? (Bool.random(using: &random) ? .active : nil), ifExists: waiter.ifExists,
      requester: Requester(uid: uid), connection: UInt64.random(in: 1...2, using: &random),
      expectation: waiter.deadline.map { .result(deadline: $0) } ?? .queued, share: uid == 3 ? Self.share : nil,
      earlier: passesOn(isRefresh) ? known.map { EarlierResult(outcome: $0.outcome, status: $0.status) } : nil)
    send(request, waiter)
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
    if flights[request.key] != nil { reach(.join) }
    let actions = core.register(request, waiter: id, now: now)
    check(actions, refuse: id, with: refusal)
    for case .commit(_, let changes) in actions {
      for case .enqueue(let row) in changes { begin(row, request) }
    }
    if waiter.deadline != nil { flights[request.key]?.wasAwaited = true }
    perform(actions)
    if mutant == .promisesTooEarly, request.expectation == .queued, waiting[id] != nil {
      perform([.answer(id, .queued, .goesOn)])
    }
  }

  private mutating func begin(_ row: PendingRegistration, _ request: Registrar.Request) {
    flights[row.key] = Flight(
      uid: row.requester.uid, slots: row.slots, share: request.share?.name, since: now.monotonic,
      isBeginning: row.callStarted)
    if row.callStarted {
      turns.take(
        row.key.target, request.expectation == .queued ? .others : .awaited, uid: row.requester.uid, at: now.monotonic)
    }
  }

  private func expectedRefusal(of request: Registrar.Request) -> Reason? {
    if isDraining { return .draining }
    if !settings.targets.contains(request.key.target) { return .unknownTarget }
    if flights[request.key] != nil { return nil }
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

  /// Whether a caller waits for the end of the registration.
  func isAwaited(_ key: RegistrationKey) -> Bool {
    waiting.values.contains { $0.key == key && $0.deadline != nil }
  }
}
