import CertRegCore
import CertRegTesting
import Testing

/// Events in, actions compared. No clock, no disk, no upstream.
@Suite struct RegistrarTests {
  private static let target = TargetName("default")
  private static let start = Moment(
    monotonic: MonotonicTime(nanoseconds: 1_000_000_000), wall: WallTime(secondsSinceEpoch: 1_800_000_000))

  private var registrar: Registrar

  init() {
    registrar = Registrar(configuration: .init(maxPending: 4, maxAge: .seconds(3600)), seed: 1)
    _ = registrar.setTargets(
      [Self.target: .one(ratePerSecond: nil, burst: 10, maxConcurrent: 2)], now: Self.start)
  }

  private func key(_ number: UInt64) -> RegistrationKey {
    RegistrationKey(certificateID: CertificateID(words: (number, 0, 0, 0)), target: Self.target)
  }

  private func request(
    _ number: UInt64, status: CertificateStatus? = .active, ifExists: IfExists = .return,
    expectation: Registrar.Expectation? = nil
  ) -> Registrar.Request {
    Registrar.Request(
      key: key(number), der: [1, 2, 3], basis: .anyTime, namedStatus: status, status: status, ifExists: ifExists,
      requester: Requester(uid: 1000),
      expectation: expectation ?? .result(deadline: Self.start.monotonic + .seconds(60)))
  }

  private static func call(_ key: RegistrationKey, _ sequence: Int64 = 1, der: [UInt8]) -> Registrar.Action {
    let call = RegisterCertificateCall(certificateID: key.certificateID, der: der, status: .active)
    return .call(JobID(key: key, sequence: sequence), .registerCertificateWithoutCA(call))
  }

  private func later(_ duration: Duration) -> Moment {
    Moment(monotonic: Self.start.monotonic + duration, wall: Self.start.wall + duration)
  }

  private func registration(
    _ number: UInt64, _ outcome: RegistrationOutcome, status: CertificateStatus? = .active
  ) -> Registration {
    Registration(
      key: key(number), certificateARN: "arn:\(number)", outcome: outcome, status: status, requestID: "r",
      finishedAt: Self.start.wall, basis: .anyTime, requester: Requester(uid: 1000))
  }

  @Test mutating func `writes down the request with its call, calls, writes down the result, then answers`() throws {
    let asked = registrar.register(request(1), waiter: 7, now: Self.start)
    guard case .commit(let first, let changes)? = asked.first, case .enqueue(let row)? = changes.first else {
      Issue.record("no commit first: \(asked)")
      return
    }
    #expect(asked.count == 1)
    #expect(row.callStarted)
    #expect(registrar.committed(first, .success(()), now: Self.start) == [Self.call(key(1), der: [1, 2, 3])])

    let replied = registrar.replied(
      key(1), .registered(certificateARN: "arn:1", requestID: "r"), now: Self.start)
    let expected = registration(1, .created)
    guard case .commit(let second, let ends)? = replied.first else {
      Issue.record("no commit of the result: \(replied)")
      return
    }
    #expect(ends == [.complete(row.id, expected.leavingFailure)])
    #expect(replied.count == 1)
    #expect(
      registrar.committed(second, .success(()), now: Self.start)
        == [.remember(expected, nil), .answer(7, .registered(expected), .end), .ended(row.id, .registered(expected))])
    #expect(registrar.pendingCount == 0)
    #expect(registrar.isQuiet)
  }

  @Test mutating func `a caller that repeats its request during an outage takes one place among the waiting callers`()
    throws
  {
    _ = registrar.setTargets([Self.target: .one(ratePerSecond: 0.001, burst: 1, maxConcurrent: 1)], now: Self.start)
    _ = settle(registrar.register(request(1), waiter: 1, now: Self.start))
    for round in 0..<100 as Range<UInt64> {
      let now = later(.milliseconds(Int64(round)))
      let deadline = now.monotonic + .microseconds(1)
      let asked = request(2, expectation: .result(deadline: deadline))
      _ = settle(registrar.register(asked, waiter: 10 + round, now: now), now: now)
      let then = later(.milliseconds(Int64(round) + 1))
      #expect(settle(registrar.timePassed(now: then), now: then).answers.count == 1)
    }
    #expect(try #require(registrar.target(Self.target, now: later(.seconds(1)).monotonic)).queued == 1)
  }

  @Test mutating func `each of thousands of callers that wait for one certificate is told of the shutdown once`() {
    for waiter in 1...3000 as ClosedRange<UInt64> {
      _ = settle(registrar.register(request(1), waiter: waiter, now: Self.start))
    }
    let told: [Registrar.WaiterID] = registrar.endDraining().compactMap { action in
      guard case .answer(let waiter, .failed(.draining), .goesOn) = action else { return nil }
      return waiter
    }
    #expect(told.sorted() == Array(1...3000))
  }

  @Test mutating func `a registration queued before the clock was set is not too old afterwards`() throws {
    var row = row(1, Self.target)
    row.enqueuedAt = WallTime(secondsSinceEpoch: 60)
    #expect(settle(registrar.resume([row], now: Self.start)).calls == [key(1)])
  }

  @Test mutating func `a caller that gives a device another name is told queued once the disk knows the name`() throws {
    let (first, second) = (try #require(DeviceID("pump 7")), try #require(DeviceID("pump 8")))
    func named(_ deviceID: DeviceID) -> Registrar.Request {
      var request = request(1, expectation: .queued)
      request.deviceID = deviceID
      return request
    }
    #expect(settle(registrar.register(named(first), waiter: 1, now: Self.start)).calls == [key(1)])
    let asked = registrar.register(named(second), waiter: 2, now: Self.start)
    guard case .commit(let commit, [.nameDevice(key(1), second)])? = asked.first, asked.count == 1 else {
      Issue.record("the name is not on its way to disk: \(asked)")
      return
    }
    #expect(registrar.register(named(second), waiter: 3, now: Self.start) == [])
    #expect(
      registrar.committed(commit, .success(()), now: Self.start)
        == [.answer(2, .queued, .goesOn), .answer(3, .queued, .goesOn)])
    let third = registrar.register(named(first), waiter: 4, now: Self.start)
    guard case .commit(let failing, _)? = third.first else { throw CancellationError() }
    let error = StoreError(.full, message: "no space")
    #expect(
      registrar.committed(failing, .failure(error), now: Self.start) == [
        .answer(4, .failed(ServiceError(error)), .refused)
      ])
    #expect(registrar.pending(key(1), now: Self.start.monotonic)?.registration.deviceID == first)
  }

  @Test mutating func `a caller that does not wait is told of another status at once`() {
    _ = registrar.register(request(1, status: .active, expectation: .queued), waiter: 1, now: Self.start)
    let other = registrar.register(request(1, status: .inactive, expectation: .queued), waiter: 2, now: Self.start)
    #expect(other == [.answer(2, .failed(.statusDiffers(key(1), asked: .active, named: .inactive)), .refused)])
    let same = registrar.register(request(1, status: .active, expectation: .queued), waiter: 3, now: Self.start)
    #expect(same == [])
  }

  @Test(arguments: [false, true])
  mutating func `a repeated registration keeps its status, and a 409 after a lost answer does not make it created`(
    isAnswerLost: Bool
  ) {
    var again = request(1, status: .inactive)
    again.earlier = EarlierResult(outcome: .created, status: .active)
    _ = settle(registrar.register(again, waiter: 1, now: Self.start))
    var now = Self.start
    if isAnswerLost {
      _ = settle(registrar.replied(key(1), Self.lost, now: now))
      now = later(.seconds(30))
      _ = settle(registrar.timePassed(now: now), now: now)
    }
    let ended = settle(
      registrar.replied(key(1), .alreadyExists(certificateARN: "arn:1", status: nil, requestID: "r"), now: now),
      now: now)
    guard case .failed(let error)? = ended.answers[1] else {
      Issue.record("another status was answered with success: \(ended.answers)")
      return
    }
    #expect(error.reason == "status_differs" && error.status == .active)
  }

  private static let lost = UpstreamReply.failed(
    UpstreamFailure(
      error: ServiceError(.serviceUnavailable, reason: "connection_lost", message: "x", retryable: true),
      disposition: .unavailable(retryAfter: nil), mayHaveTakenEffect: true))

  @Test mutating func `a target that a reload removed is refused at once, also for queued certificates`() {
    _ = settle(registrar.register(request(1), waiter: 1, now: Self.start))
    _ = registrar.setTargets(
      [TargetName("other"): .one(ratePerSecond: nil, burst: 1, maxConcurrent: 1)], now: Self.start)
    let refused = Registrar.Answer.failed(.unknownTarget("default", known: [TargetName("other")]))
    for number in 1...2 as ClosedRange<UInt64> {
      let actions = registrar.register(request(number), waiter: 10 + number, now: Self.start)
      #expect(actions == [.answer(10 + number, refused, .refused)])
    }
  }

  @Test mutating func `requests for one certificate share one call`() {
    var calls = 0
    var answers: [Registrar.WaiterID] = []
    for waiter in 1...500 {
      run(registrar.register(request(1), waiter: UInt64(waiter), now: Self.start), &calls, &answers)
    }
    #expect(calls == 1)
    #expect(answers.isEmpty)
    run(
      registrar.replied(key(1), .registered(certificateARN: "arn:1", requestID: nil), now: Self.start), &calls,
      &answers)
    #expect(calls == 1)
    #expect(answers.sorted() == (1...500).map { UInt64($0) })
  }

  /// Commits at once and counts.
  private mutating func run(_ actions: [Registrar.Action], _ calls: inout Int, _ answers: inout [Registrar.WaiterID]) {
    for action in actions {
      switch action {
      case .commit(let id, _): run(registrar.committed(id, .success(()), now: Self.start), &calls, &answers)
      case .call: calls += 1
      case .answer(let waiter, _, _): answers.append(waiter)
      case .remember, .rememberStatus, .forget, .ended: break
      case .report(let fault): Issue.record("\(fault)")
      }
    }
  }

  /// Carries out actions with every commit succeeding; returns the answers and calls.
  private mutating func settle(
    _ actions: [Registrar.Action], now: Moment = start
  ) -> (answers: [Registrar.WaiterID: Registrar.Answer], calls: [RegistrationKey], overdue: [RegistrationKey]) {
    var answers: [Registrar.WaiterID: Registrar.Answer] = [:]
    var overdue: [RegistrationKey] = []
    var calls: [RegistrationKey] = []
    var queue = actions
    while !queue.isEmpty {
      switch queue.removeFirst() {
      case .commit(let id, _): queue += registrar.committed(id, .success(()), now: now)
      case .call(let id, _): calls.append(id.key)
      case .answer(let waiter, let answer, _): answers[waiter] = answer
      case .ended(_, .failed(let failure)) where failure.error.reason == .queueExpired: overdue.append(failure.key)
      case .remember, .rememberStatus, .forget, .ended: break
      case .report(let fault): Issue.record("\(fault)")
      }
    }
    return (answers, calls, overdue)
  }

  @Test mutating func `a failure counts the calls that were made`() {
    _ = settle(registrar.register(request(1), waiter: 1, now: Self.start))
    let error = ServiceError(.certificateValidation, reason: "refused", message: "")
    let actions = registrar.replied(
      key(1), .failed(UpstreamFailure(error: error, disposition: .final)), now: Self.start)
    guard case .commit(_, let changes)? = actions.first, case .fail(_, let failure)? = changes.first else {
      Issue.record("no failure: \(actions)")
      return
    }
    #expect(failure.attempts == 1)
  }

  @Test mutating func `answers queued only after the commit`() {
    let asked = registrar.register(request(1, expectation: .queued), waiter: 1, now: Self.start)
    #expect(!asked.contains { if case .answer = $0 { true } else { false } })
    let settled = settle(asked)
    #expect(settled.answers == [1: .queued])
    #expect(settled.calls == [key(1)])
  }

  @Test mutating func `a disk that is full refuses the request and frees its slots`() {
    let asked = registrar.register(request(1), waiter: 1, now: Self.start)
    guard case .commit(let id, _)? = asked.first else { return }
    let refused = registrar.committed(id, .failure(StoreError(.full, message: "full")), now: Self.start)
    guard case .answer(1, .failed(let error), .refused)? = refused.first else {
      Issue.record("not refused: \(refused)")
      return
    }
    #expect(error.reason == "store_full")
    #expect(error.retryable)
    #expect(registrar.isQuiet)
    #expect(settle(registrar.register(request(2), waiter: 2, now: Self.start)).calls == [key(2)])
  }

  @Test mutating func `more than maxPending registrations are refused`() {
    for number in 1...4 {
      _ = settle(registrar.register(request(UInt64(number)), waiter: UInt64(number), now: Self.start))
    }
    let answers = settle(registrar.register(request(5), waiter: 5, now: Self.start)).answers
    #expect(answers == [5: .failed(.queueFull(limit: 4))])
  }

  @Test mutating func `makes no more calls at once than the target allows, and the next when one ends`() {
    var calls: [RegistrationKey] = []
    for number in 1...4 {
      calls += settle(registrar.register(request(UInt64(number)), waiter: UInt64(number), now: Self.start)).calls
    }
    #expect(calls == [key(1), key(2)])
    let next = settle(registrar.replied(key(1), .registered(certificateARN: "a", requestID: nil), now: Self.start))
    #expect(next.calls == [key(3)])
  }

  @Test mutating func `a 409 to the first call is existing`() {
    _ = settle(registrar.register(request(1), waiter: 1, now: Self.start))
    let answers = settle(
      registrar.replied(key(1), .alreadyExists(certificateARN: "arn:1", status: nil, requestID: "r"), now: Self.start)
    ).answers
    #expect(answers == [1: .registered(registration(1, .existing, status: nil))])
  }

  @Test(arguments: [true, false])
  mutating func `a 409 after a lost answer is created, after a refused connection existing`(_ wasLost: Bool) {
    _ = settle(registrar.register(request(1), waiter: 1, now: Self.start))
    let failure = UpstreamFailure(
      error: ServiceError(.serviceUnavailable, reason: "x", message: "x", retryable: true),
      disposition: .unavailable(retryAfter: nil), mayHaveTakenEffect: wasLost)
    #expect(settle(registrar.replied(key(1), .failed(failure), now: Self.start)).answers.isEmpty)
    let again = settle(registrar.timePassed(now: later(.seconds(30))), now: later(.seconds(30)))
    #expect(again.calls == [key(1)])
    let answers = settle(
      registrar.replied(key(1), .alreadyExists(certificateARN: "arn:1", status: nil, requestID: "r"), now: Self.start)
    ).answers
    #expect(
      answers
        == [1: .registered(wasLost ? registration(1, .created) : registration(1, .existing, status: nil))])
  }

  @Test mutating func `a call that an earlier process began counts as one whose answer was lost`() {
    let row = PendingRegistration(
      key: key(1), sequence: 5, der: [9], status: .active, enqueuedAt: Self.start.wall, callStarted: true, attempts: 0,
      lastError: nil, requester: Requester(uid: 1000), basis: .anyTime)
    #expect(registrar.resume([row], now: Self.start) == [Self.call(key(1), row.sequence, der: [9])])
    let ended = registrar.replied(
      key(1), .alreadyExists(certificateARN: "arn:1", status: nil, requestID: "r"), now: Self.start)
    guard case .commit(_, let changes)? = ended.first else {
      Issue.record("no commit: \(ended)")
      return
    }
    #expect(changes == [.complete(row.id, registration(1, .created).leavingFailure)])
  }

  @Test mutating func `a caller's deadline ends its waiting and not the registration`() {
    let deadline = Registrar.Expectation.result(deadline: Self.start.monotonic + .seconds(1))
    _ = settle(registrar.register(request(1, expectation: deadline), waiter: 1, now: Self.start))
    #expect(settle(registrar.timePassed(now: later(.milliseconds(999)))).answers.isEmpty)
    let answers = settle(registrar.timePassed(now: later(.seconds(1)))).answers
    var expected = ServiceError.deadlineExceeded(lastError: nil)
    expected.retryAfterMilliseconds = 1
    #expect(answers == [1: .failed(expected)])
    #expect(registrar.pendingCount == 1)
    _ = settle(registrar.replied(key(1), .registered(certificateARN: "a", requestID: nil), now: later(.seconds(2))))
    #expect(registrar.pendingCount == 0)
  }

  @Test mutating func `another status than the one registered is an error with the known one`() {
    _ = settle(registrar.register(request(1, status: .active), waiter: 1, now: Self.start))
    _ = settle(registrar.register(request(1, status: .inactive), waiter: 2, now: Self.start))
    let answers = settle(
      registrar.replied(key(1), .registered(certificateARN: "arn:1", requestID: "r"), now: Self.start)
    ).answers
    #expect(answers[1] == .registered(registration(1, .created)))
    guard case .failed(let error)? = answers[2] else {
      Issue.record("a quiet success")
      return
    }
    #expect(error.reason == "status_differs")
    #expect(error.status == .active)
    #expect(error.resourceARN == "arn:1")
  }

  @Test mutating func `a refused identity is reported to waiting callers, and queued registrations stay`() {
    let refusal = UpstreamFailure(
      error: ServiceError(.unauthorized, reason: "access_denied", message: "no"), disposition: .identity)
    _ = settle(registrar.register(request(1), waiter: 1, now: Self.start))
    #expect(settle(registrar.replied(key(1), .failed(refusal), now: Self.start)).answers == [1: .failed(refusal.error)])
    #expect(registrar.pendingCount == 0)

    _ = settle(registrar.register(request(2, expectation: .queued), waiter: 2, now: Self.start))
    _ = settle(registrar.register(request(2), waiter: 3, now: Self.start))
    #expect(registrar.pendingCount == 1)
  }

  @Test mutating func `draining refuses new requests and answers old ones`() {
    _ = settle(registrar.register(request(1), waiter: 1, now: Self.start))
    _ = registrar.beginDraining(now: Self.start)
    #expect(settle(registrar.register(request(2), waiter: 2, now: Self.start)).answers == [2: .failed(.draining)])
    #expect(!registrar.isQuiet)
    #expect(settle(registrar.endDraining()).answers == [1: .failed(.draining)])
  }

  @Test mutating func `a temporary error is reported with the time of the next try`() throws {
    _ = settle(registrar.register(request(1), waiter: 1, now: Self.start))
    _ = registrar.replied(
      key(1),
      .failed(
        UpstreamFailure(
          error: ServiceError(.throttling, reason: "throttled_by_upstream", message: "x", retryable: true),
          disposition: .throttled(retryAfter: .seconds(3)))), now: Self.start)
    let pending = try #require(registrar.pending(key(1), now: Self.start.monotonic))
    #expect(pending.registration.lastError?.retryAfterMilliseconds == 3000)
    #expect(pending.nextAttemptAfter == .seconds(3))
  }

  private static let outage = UpstreamReply.failed(
    UpstreamFailure(
      error: ServiceError(.serviceUnavailable, reason: "connection_refused", message: "x", retryable: true),
      disposition: .unavailable(retryAfter: nil)))

  @Test mutating func `registrations behind an outage end in time and in order, whatever the wall clock does`() throws {
    _ = registrar.setTargets(
      [Self.target: .one(ratePerSecond: nil, burst: 1, maxConcurrent: 1)], now: Self.start)
    // The upstream accepts the first call and does not answer, so no other call can begin.
    for number in 1...3 as ClosedRange<UInt64> {
      _ = settle(
        registrar.register(request(number, expectation: .queued), waiter: number, now: later(.seconds(Int64(number)))))
    }
    #expect(registrar.oldestPending == later(.seconds(1)).wall)
    let jumped = Moment(
      monotonic: Self.start.monotonic + .seconds(3000), wall: Self.start.wall + .seconds(100_000_000))
    #expect(settle(registrar.timePassed(now: jumped)).overdue == [])
    #expect(try #require(registrar.nextDeadline) <= later(.seconds(3060)).monotonic)
    #expect(settle(registrar.timePassed(now: later(.seconds(3602)))).overdue == [])
    #expect(try #require(registrar.nextDeadline) <= later(.milliseconds(3_602_100)).monotonic)
    #expect(settle(registrar.timePassed(now: later(.milliseconds(3_602_110)))).overdue == [key(2)])
    #expect(settle(registrar.timePassed(now: later(.milliseconds(3_603_220)))).overdue == [key(3)])
    // The call ends by itself.
    #expect(registrar.pendingCount == 1)
    #expect(settle(registrar.replied(key(1), Self.outage, now: later(.seconds(3604)))).overdue == [key(1)])
    #expect(registrar.pendingCount == 0 && registrar.oldestPending == nil)
  }

  @Test mutating func `the age of a registration of an earlier process counts from its request`() throws {
    _ = registrar.setTargets(
      [Self.target: .one(ratePerSecond: nil, burst: 1, maxConcurrent: 1)], now: Self.start)
    let rows = (1...2 as ClosedRange<UInt64>).map { number in
      PendingRegistration(
        key: key(number), sequence: Int64(number), der: [1], status: nil,
        enqueuedAt: WallTime(secondsSinceEpoch: Self.start.wall.secondsSinceEpoch - 3000), callStarted: true,
        attempts: 0, lastError: nil, requester: Requester(uid: 1000), basis: .anyTime)
    }
    _ = settle(registrar.resume(rows, now: Self.start))
    #expect(settle(registrar.timePassed(now: later(.seconds(599)))).overdue == [])
    #expect(settle(registrar.timePassed(now: later(.seconds(601)))).overdue == [key(2)])
  }

  private static let other = TargetName("other")
  private static let unpaced = TargetLimits.one(ratePerSecond: nil, burst: 10, maxConcurrent: 2)

  private func row(_ number: UInt64, _ target: TargetName, callStarted: Bool = false) -> PendingRegistration {
    PendingRegistration(
      key: RegistrationKey(certificateID: key(number).certificateID, target: target), sequence: Int64(number), der: [1],
      status: .active, enqueuedAt: Self.start.wall, callStarted: callStarted, attempts: 0, lastError: nil,
      requester: Requester(uid: 1000), basis: .anyTime)
  }

  /// Takes a configuration with these targets.
  private mutating func configure(_ names: TargetName...) -> [Registrar.Action] {
    registrar.setTargets(Dictionary(uniqueKeysWithValues: names.map { ($0, Self.unpaced) }), now: Self.start)
  }

  @Test mutating func `registrations of an earlier process continue once, with the reload that adds their target`() {
    let left = [row(1, Self.other, callStarted: true), row(2, Self.target), row(3, Self.other), row(4, Self.other)]
    #expect(settle(registrar.resume(left, now: Self.start)).calls == [left[1].key])
    #expect(registrar.pendingCount == 4)
    #expect(settle(configure(Self.target)).calls == [])
    #expect(settle(configure(Self.target, Self.other)).calls == [left[0].key, left[2].key])
    #expect(settle(configure(Self.target, Self.other)).calls == [])
    // An earlier process began a call for the first registration, and none for the second.
    let exists = UpstreamReply.alreadyExists(certificateARN: "arn", status: nil, requestID: nil)
    var outcomes: [RegistrationOutcome] = []
    for key in [left[0].key, left[2].key] {
      for case .commit(_, let changes) in registrar.replied(key, exists, now: Self.start) {
        for case .complete(_, let registration) in changes { outcomes.append(registration.outcome) }
      }
    }
    #expect(outcomes == [.created, .existing])
  }

  @Test mutating func `a target that a reload leaves out gets no call until another brings it back`() {
    // Two are called, two wait.
    for number in 1...4 as ClosedRange<UInt64> {
      _ = settle(registrar.register(request(number, expectation: .queued), waiter: number, now: Self.start))
    }
    #expect(settle(configure()).calls == [])
    let success = UpstreamReply.registered(certificateARN: "arn", requestID: nil)
    #expect(settle(registrar.replied(key(1), success, now: Self.start)).calls == [])
    #expect(settle(registrar.replied(key(2), Self.outage, now: Self.start)).calls == [])
    #expect(settle(registrar.timePassed(now: later(.seconds(30))), now: later(.seconds(30))).calls == [])
    #expect(registrar.pendingCount == 3)
    let back = settle(
      registrar.setTargets([Self.target: Self.unpaced], now: later(.seconds(30))), now: later(.seconds(30)))
    #expect(back.calls == [key(2), key(3)])
    let next = settle(registrar.replied(key(2), success, now: later(.seconds(30))), now: later(.seconds(30)))
    #expect(next.calls == [key(4)])
  }

  @Test mutating func `no call begins that was on its way to disk when its target was left out`() {
    let asked = registrar.register(request(1), waiter: 1, now: Self.start)
    _ = configure()
    #expect(settle(asked).calls == [])
    #expect(registrar.isQuiet == false && registrar.target(Self.target, now: Self.start.monotonic)?.underWay == 0)
    #expect(settle(configure(Self.target)).calls == [key(1)])
  }

  @Test mutating func `large certificates take several slots of the queue, and give them back`() {
    _ = registrar.setTargets(
      [Self.target: .one(ratePerSecond: nil, burst: 1, maxConcurrent: 1)], now: Self.start)
    var large = request(1, expectation: .queued)
    large.der = [UInt8](repeating: 1, count: 2048 * 3 + 1)
    _ = settle(registrar.register(large, waiter: 1, now: Self.start))
    let refused = settle(registrar.register(request(2), waiter: 2, now: Self.start)).answers[2]
    #expect(refused == .failed(.queueFull(limit: 4)))
    _ = settle(registrar.replied(key(1), .registered(certificateARN: "arn", requestID: nil), now: Self.start))
    for number in 3...6 as ClosedRange<UInt64> {
      let answers = settle(registrar.register(request(number, expectation: .queued), waiter: number, now: Self.start))
        .answers
      #expect(answers[number] == .queued)
    }
  }

  @Test mutating func `retries wait longer once their budget is used up`() {
    registrar = Registrar(configuration: .init(maxPending: 4, maxAge: nil), seed: 1)
    _ = registrar.setTargets(
      [Self.target: .one(ratePerSecond: nil, burst: 10, maxConcurrent: 2)], now: Self.start)
    _ = settle(registrar.register(request(1, expectation: .queued), waiter: 1, now: Self.start))
    var now = Self.start
    var longWaits = 0
    for _ in 0..<200 {
      _ = settle(
        registrar.replied(
          key(1),
          .failed(
            UpstreamFailure(
              error: ServiceError(.internalFailure, reason: "upstream_internal", message: "x", retryable: true),
              disposition: .unavailable(retryAfter: nil))), now: now))
      guard let wait = registrar.pending(key(1), now: now.monotonic)?.nextAttemptAfter else { break }
      longWaits += wait >= .seconds(10) ? 1 : 0
      for _ in 0..<2 {
        now = Moment(monotonic: now.monotonic + .seconds(20), wall: now.wall + .seconds(20))
        _ = settle(registrar.timePassed(now: now))
      }
    }
    // A hundred retries use up the budget. Each later retry waits at least ten seconds; half of the earlier ones do.
    #expect(longWaits >= 120)
    #expect(registrar.pendingCount == 1)
  }
}

extension TargetLimits {
  /// Limits of a target with one kind of call.
  static func one(
    ratePerSecond: Double?, maxRatePerSecond: Double? = nil, burst: Double, maxConcurrent: Int
  ) -> TargetLimits {
    let limits = OperationLimits(ratePerSecond: ratePerSecond, maxRatePerSecond: maxRatePerSecond, burst: burst)
    return TargetLimits(
      operations: [.registerCertificateWithoutCA: limits],
      maxConcurrent: maxConcurrent)
  }
}

extension VerdictBasis {
  /// A certificate that is always valid.
  static let anyTime = VerdictBasis(
    notBefore: WallTime(secondsSinceEpoch: 0), notAfter: WallTime(secondsSinceEpoch: 4_000_000_000),
    policyFingerprint: 0)
}
