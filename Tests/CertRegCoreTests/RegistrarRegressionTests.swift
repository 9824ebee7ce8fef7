import CertRegCore
import CertRegTesting
import Testing

/// Known statuses, entries of the queue, ages and drains. Events in, actions compared.
@Suite struct RegistrarRegressionTests {
  private static let target = TargetName("default")
  private static let start = Moment(
    monotonic: MonotonicTime(nanoseconds: 1_000_000_000), wall: WallTime(secondsSinceEpoch: 1_800_000_000))
  private static let maxAge = Duration.seconds(3600)

  private var registrar = makeRegistrar()
  private var now = start

  private static func makeRegistrar() -> Registrar {
    let registrar = Registrar(configuration: .init(maxPending: 20, maxAge: maxAge), seed: 1)
    _ = registrar.setTargets([target: .one(ratePerSecond: nil, burst: 10, maxConcurrent: 1)], now: start)
    return registrar
  }

  // MARK: A known status

  @Test(arguments: [nil, CertificateStatus.revoked])
  mutating func `a restart in the middle of a refresh keeps the known status`(_ described: CertificateStatus?) throws {
    var again = request(1, status: .inactive, waits: true)
    again.earlier = EarlierResult(outcome: .created, status: .active)
    let row = try #require(rows(in: registrar.register(again, waiter: 1, now: now)).first)
    #expect(row.callStarted)

    registrar = Self.makeRegistrar()
    #expect(settle(registrar.resume([row], now: now)).calls == [key(1)])
    let result = try #require(reply(to: 1, exists(described)).results.first)
    #expect(result.status == described ?? .active)
  }

  @Test mutating func `a restart while a refresh waits in the queue keeps the known status`() throws {
    _ = settle(registrar.register(request(9, waits: true), waiter: 9, now: now))
    var again = request(1, status: .inactive, waits: false)
    again.earlier = EarlierResult(outcome: .existing, status: .active)
    let row = try #require(rows(in: registrar.register(again, waiter: 1, now: now)).first)
    #expect(!row.callStarted)

    registrar = Self.makeRegistrar()
    #expect(settle(registrar.resume([row], now: now)).calls == [key(1)])
    #expect(reply(to: 1, Self.lost).results == [])
    pass(.seconds(30))
    let result = try #require(reply(to: 1, exists(nil)).results.first)
    #expect(result.outcome == .existing)
    #expect(result.status == .active)
  }

  @Test mutating func `after a lost answer, the upstream's status counts and not the one that was sent`()
    throws
  {
    _ = settle(registrar.register(request(1, status: .active, waits: true), waiter: 1, now: now))
    #expect(reply(to: 1, Self.lost).results == [])
    pass(.seconds(30))
    let ended = reply(to: 1, exists(.revoked))
    #expect(ended.results.map(\.status) == [.revoked])
    guard case .failed(let error)? = ended.answers[1] else {
      Issue.record("another status was answered with success: \(ended.answers)")
      return
    }
    #expect(error.reason == "status_differs" && error.status == .revoked)
  }

  // MARK: Entries of the queue

  @Test mutating func `a registration that a caller joins is queued once, and not at all once its call begins`() throws
  {
    _ = settle(registrar.register(request(9, waits: true), waiter: 9, now: now))
    _ = settle(registrar.register(request(1, waits: false), waiter: 1, now: now))
    _ = settle(registrar.register(request(1, waits: true), waiter: 2, now: now))
    #expect(try queued() == 1)
    #expect(reply(to: 9, Self.success).calls == [key(1)])
    #expect(try queued() == 0)
  }

  @Test mutating func `a joined registration does not keep a later request from a free permit`() throws {
    _ = settle(registrar.register(request(9, waits: true), waiter: 9, now: now))
    _ = settle(registrar.register(request(1, waits: false), waiter: 1, now: now))
    _ = settle(registrar.register(request(1, waits: true), waiter: 2, now: now))
    // While the identity is refused, only calls with a waiting caller begin.
    #expect(reply(to: 9, Self.refused).calls == [key(1)])
    #expect(reply(to: 1, Self.refused).calls == [])
    let row = try #require(rows(in: registrar.register(request(2, waits: true), waiter: 3, now: now)).first)
    #expect(row.callStarted)
  }

  @Test mutating func `a registration that is too old leaves the queue`() throws {
    _ = settle(registrar.register(request(9, waits: false), waiter: 9, now: now))
    _ = settle(registrar.register(request(1, waits: false), waiter: 1, now: now))
    #expect(try queued() == 1)
    pass(Self.maxAge + .seconds(1))
    #expect(!registrar.isUnderWay(key(1)))
    #expect(try queued() == 0)
  }

  @Test mutating func `registrations that are too old take no turns of their user`() {
    _ = settle(registrar.register(request(9, waits: false, uid: 3), waiter: 9, now: now))
    for number in 1...2 as ClosedRange<UInt64> {
      _ = settle(registrar.register(request(number, waits: false, uid: 1), waiter: number, now: now))
    }
    pass(Self.maxAge + .seconds(1))
    #expect(!registrar.isUnderWay(key(1)) && !registrar.isUnderWay(key(2)))
    for number in 3...4 as ClosedRange<UInt64> {
      _ = settle(registrar.register(request(number, waits: false, uid: 2), waiter: number, now: now))
    }
    #expect(reply(to: 9, Self.success).calls == [key(3)])
    // User 2 has had a turn in this second, user 1 none.
    _ = settle(registrar.register(request(5, waits: false, uid: 1), waiter: 5, now: now))
    #expect(reply(to: 3, Self.success).calls == [key(5)])
  }

  // MARK: Ages

  /// The age of the first row is unknown and counts from the start of the process. The other two are older.
  @Test mutating func `a registration of unknown age hides no older one`() {
    var undated = row(1, age: .zero)
    undated.enqueuedAt = WallTime(secondsSinceEpoch: 60)
    _ = settle(registrar.resume([undated, row(2, age: .seconds(3000)), row(3, age: .seconds(3300))], now: now))
    #expect(pass(.seconds(299)) == [])
    #expect(pass(.seconds(2)) == [key(3)])
    #expect(pass(.seconds(298)) == [])
    #expect(pass(.seconds(2)) == [key(2)])
    #expect(registrar.isUnderWay(key(1)))
  }

  // MARK: Drains

  @Test mutating func `nothing begins during a drain whose caller has given up`() {
    _ = settle(registrar.register(request(9, waits: true), waiter: 9, now: now))
    _ = settle(registrar.register(request(1, waits: true), waiter: 1, now: now))
    pass(.seconds(61))
    _ = settle(registrar.beginDraining(now: now))
    #expect(reply(to: 9, Self.success).calls == [])
  }
}

// MARK: - Events and their results

extension RegistrarRegressionTests {
  private struct Outcome {
    var answers: [Registrar.WaiterID: Registrar.Answer] = [:]
    var calls: [RegistrationKey] = []
    var results: [Registration] = []
    var overdue: [RegistrationKey] = []
  }

  private static let success = UpstreamReply.registered(certificateARN: "arn", requestID: nil)
  private static let lost = UpstreamReply.failed(
    UpstreamFailure(
      error: ServiceError(.serviceUnavailable, reason: "connection_lost", message: "x", retryable: true),
      disposition: .unavailable(retryAfter: nil), mayHaveTakenEffect: true))

  private static let refused = UpstreamReply.failed(
    UpstreamFailure(
      error: ServiceError(.unauthorized, reason: "access_denied", message: "x"), disposition: .identity))

  private func exists(_ status: CertificateStatus?) -> UpstreamReply {
    .alreadyExists(certificateARN: "arn", status: status, requestID: nil)
  }

  private func key(_ number: UInt64) -> RegistrationKey {
    RegistrationKey(certificateID: CertificateID(words: (number, 0, 0, 0)), target: Self.target)
  }

  /// A caller that waits gives up after a minute.
  private func request(
    _ number: UInt64, status: CertificateStatus = .active, waits: Bool, uid: UInt32 = 1000
  ) -> Registrar.Request {
    Registrar.Request(
      key: key(number), der: [1], basis: .anyTime, namedStatus: status, status: status, ifExists: .return,
      requester: Requester(uid: uid), expectation: waits ? .result(deadline: now.monotonic + .seconds(60)) : .queued)
  }

  private func row(_ number: UInt64, age: Duration) -> PendingRegistration {
    PendingRegistration(
      key: key(number), sequence: Int64(number), der: [1], status: nil, enqueuedAt: now.wall + (.zero - age),
      callStarted: true, attempts: 0, lastError: nil, requester: Requester(uid: 1000), basis: .anyTime)
  }

  private func rows(in actions: [Registrar.Action]) -> [PendingRegistration] {
    var rows: [PendingRegistration] = []
    for case .commit(_, let changes) in actions {
      for case .enqueue(let row) in changes { rows.append(row) }
    }
    return rows
  }

  private func queued() throws -> Int {
    try #require(registrar.target(Self.target, now: now.monotonic)).queued
  }

  private mutating func reply(to number: UInt64, _ reply: UpstreamReply) -> Outcome {
    settle(registrar.replied(key(number), reply, now: now))
  }

  /// Time passes, and each timer fires when it is due. Returns the registrations that became too old.
  @discardableResult
  private mutating func pass(_ duration: Duration) -> [RegistrationKey] {
    let end = now.monotonic + duration
    var overdue: [RegistrationKey] = []
    while now.monotonic < end {
      let step = min(registrar.nextDeadline ?? end, end) - now.monotonic
      now = Moment(monotonic: now.monotonic + step, wall: now.wall + step)
      overdue += settle(registrar.timePassed(now: now)).overdue
    }
    return overdue
  }

  /// Carries out actions with every commit succeeding.
  private mutating func settle(_ actions: [Registrar.Action]) -> Outcome {
    var outcome = Outcome()
    var queue = actions
    while !queue.isEmpty {
      switch queue.removeFirst() {
      case .commit(let id, let changes):
        for case .complete(_, let result) in changes { outcome.results.append(result) }
        queue += registrar.committed(id, .success(()), now: now)
      case .call(let id, _): outcome.calls.append(id.key)
      case .answer(let waiter, let answer, _): outcome.answers[waiter] = answer
      case .ended(_, .failed(let failure)) where failure.error.reason == .queueExpired:
        outcome.overdue.append(failure.key)
      case .remember, .rememberStatus, .forget, .ended: break
      case .report(let fault): Issue.record("\(fault)")
      }
    }
    return outcome
  }
}
