import CertRegTesting
import Testing

@testable import CertRegCore

/// What callers are told before the end of a registration, while the disk takes its time.
@Suite struct RegistrarPromisesTests {
  private static let target = TargetName("default")
  private static let key = RegistrationKey(certificateID: CertificateID(words: (1, 0, 0, 0)), target: target)
  private static let full = StoreError(.full, message: "no space")
  private static let registered = UpstreamReply.registered(certificateARN: "arn", requestID: nil)

  private let registrar = Registrar(configuration: .init(maxPending: 9, maxAge: nil), seed: 1)
  private var now = ManualClock().now
  /// Commits that have not ended, in their order.
  private var commits: [Registrar.CommitID] = []
  private var answers: [Registrar.WaiterID: Registrar.Answer] = [:]
  private var remembered: [Registration] = []
  private var calls = 0

  init() {
    _ = registrar.setTargets([Self.target: .one(ratePerSecond: nil, burst: 9, maxConcurrent: 9)], now: now)
  }

  private mutating func perform(_ actions: [Registrar.Action]) {
    for action in actions {
      switch action {
      case .commit(let id, _): commits.append(id)
      case .call: calls += 1
      case .answer(let waiter, let answer, _): answers[waiter] = answer
      case .remember(let registration, _): remembered.append(registration)
      case .rememberStatus, .forget, .ended: break
      case .report(let fault): Issue.record("\(fault)")
      }
    }
  }

  private mutating func ask(
    _ waiter: Registrar.WaiterID, _ name: String? = nil, status: CertificateStatus? = nil, wait: Bool = false,
    earlier: EarlierResult? = nil
  ) {
    var request = Registrar.Request(
      key: Self.key, der: [1], basis: .anyTime, namedStatus: status, status: status, ifExists: .return,
      requester: Requester(uid: 1),
      expectation: wait ? .result(deadline: now.monotonic + .seconds(9)) : .queued)
    request.deviceID = name.flatMap { DeviceID($0) }
    request.earlier = earlier
    perform(registrar.register(request, waiter: waiter, now: now))
  }

  /// The oldest commit ends.
  private mutating func endCommit(_ result: Result<Void, StoreError> = .success(())) {
    perform(registrar.committed(commits.removeFirst(), result, now: now))
  }

  private mutating func reply(_ reply: UpstreamReply) {
    perform(registrar.replied(Self.key, reply, now: now))
  }

  private mutating func pass(_ duration: Duration) {
    now = Moment(monotonic: now.monotonic + duration, wall: now.wall + duration)
    perform(registrar.timePassed(now: now))
  }

  private func registration(toldTo waiter: Registrar.WaiterID) -> Registration? {
    if case .registered(let registration)? = answers[waiter] { registration } else { nil }
  }

  // MARK: A status

  /// AWS IoT registers a certificate as INACTIVE if the call names no status, and changes none that exists.
  @Test(arguments: [nil, CertificateStatus.active])
  mutating func `no caller is told queued for a status that the certificate does not get`(
    known: CertificateStatus?
  ) {
    let result = known ?? .inactive
    ask(1, earlier: known.map { EarlierResult(outcome: .created, status: $0) })
    endCommit()
    let others = [CertificateStatus.active, .inactive, .revoked].filter { $0 != result }
    for (waiter, status) in zip([2, 3] as [Registrar.WaiterID], others) {
      ask(waiter, status: status)
      #expect(answers[waiter] == .failed(.statusDiffers(Self.key, asked: result, named: status)))
    }
    ask(9, status: result)
    #expect(answers[9] == .queued)
  }

  @Test func `a default that the upstream contradicts promises nothing`() {
    var test = DevicesUnderTest()
    test.ask(1, DevicesUnderTest.device(), .active)
    test.succeed(exists: true, .inactive)
    test.ask(2, nil, named: .active, wait: false)
    #expect(test.error(toldTo: 2)?.reason == .statusDiffers && test.answers[1] == nil)
  }

  @Test func `a template that sets the status promises that status`() {
    var test = DevicesUnderTest()
    let template = FilledTemplate(body: "{}", parameters: [], status: .set(.active))
    test.ask(1, Provisioning(profile: "t", tag: ProvisioningTag(rawValue: 9), work: .template(template)))
    test.ask(2, nil, named: .active, wait: false)
    test.ask(3, nil, named: .inactive, wait: false)
    #expect(test.answers[2] == .queued && test.error(toldTo: 3)?.reason == .statusDiffers)
  }

  // MARK: A deadline

  @Test(arguments: [false, true])
  mutating func `a caller is told in time whether its request is on disk`(isFull: Bool) {
    ask(1, wait: true)
    pass(.seconds(10))
    guard case .failed(let error)? = answers[1] else {
      Issue.record("no answer: \(answers)")
      return
    }
    #expect(error.reason == .deadlineExceeded && error.message.contains("not on disk yet"))
    endCommit(isFull ? .failure(Self.full) : .success(()))
    #expect(registrar.isUnderWay(Self.key) == !isFull && calls == (isFull ? 0 : 1))
  }

  @Test mutating func `a request that goes on is not given up for a caller that came later`() {
    ask(1, wait: true)
    endCommit()
    pass(.seconds(10))
    guard case .failed(let first)? = answers[1], first.reason == .deadlineExceeded else {
      Issue.record("no answer: \(answers)")
      return
    }
    #expect(first.message.contains("the request goes on and can be looked up"))
    ask(2, wait: true)
    let refused = ServiceError(.unauthorized, reason: .accessDenied, message: "m", origin: .upstream)
    reply(.failed(UpstreamFailure(error: refused, disposition: .identity)))
    guard case .failed(let second)? = answers[2] else {
      Issue.record("no answer: \(answers)")
      return
    }
    #expect(second.reason == .accessDenied && registrar.isUnderWay(Self.key))
  }

  // MARK: A name

  @Test(arguments: [false, true])
  mutating func `a name that comes before the request is on disk is promised on its own`(isFull: Bool) {
    ask(1, "first")
    ask(2, "second")
    ask(3, "second")
    endCommit()
    #expect(answers == [1: .queued])
    endCommit(isFull ? .failure(Self.full) : .success(()))
    let expected = isFull ? Registrar.Answer.failed(ServiceError(Self.full)) : .queued
    #expect(answers == [1: .queued, 2: expected, 3: expected])
  }

  @Test mutating func `of two names each waits for its own commit`() {
    ask(1)
    endCommit()
    ask(2, "first")
    ask(3, "second")
    ask(4)
    #expect(answers == [1: .queued, 4: .queued])
    endCommit()
    #expect(answers == [1: .queued, 2: .queued, 4: .queued])
    endCommit(.failure(Self.full))
    #expect(answers[3] == .failed(ServiceError(Self.full)))
  }

  @Test(arguments: [false, true])
  mutating func `a name that comes while the result is on its way to disk is kept, on disk and in memory`(wait: Bool) {
    ask(1, "first", wait: true)
    endCommit()
    reply(Self.registered)
    ask(2, "second", wait: wait)
    endCommit()
    #expect(registration(toldTo: 1)?.deviceID == DeviceID("first") && answers[2] == nil)
    while !commits.isEmpty { endCommit() }
    #expect(wait ? registration(toldTo: 2)?.deviceID == DeviceID("second") : answers[2] == .queued)
    #expect(remembered.last?.deviceTag == DeviceID("second")?.tag && calls == 1)
    #expect(!registrar.isUnderWay(Self.key))
  }

  @Test func `a caller with a name of its own is told of the registration once the disk has the name`() {
    var test = DevicesUnderTest()
    test.ask(1)
    test.succeed()
    var request = Registrar.Request(
      key: DevicesUnderTest.key, der: [1], basis: .anyTime, namedStatus: nil, status: nil, ifExists: .return,
      requester: Requester(uid: 1), expectation: .result(deadline: test.now.monotonic + .seconds(9)))
    request.deviceID = DeviceID("second")
    test.send(request, 2)
    #expect(test.registration(toldTo: 2)?.deviceID == DeviceID("second") && test.answers[1] == nil)
  }

  // MARK: Bounds

  @Test mutating func `times of targets that others have replaced do not add up`() {
    registrar.wake(Self.target, at: now.monotonic + .seconds(3600))
    for _ in 0..<5000 {
      registrar.wake(Self.target, at: now.monotonic + .milliseconds(10))
      pass(.milliseconds(10))
      registrar.wake(Self.target, at: now.monotonic + .seconds(3600))
    }
    #expect(registrar.deadlines.count <= 1025)
    #expect(registrar.nextDeadline != nil)
  }

  @Test func `the budget gets back once what a retry took`() {
    var test = DevicesUnderTest()
    func left() -> Int { test.registrar.targets[DevicesUnderTest.target]?.retries.left ?? 0 }
    let whole = left()
    test.ask(1)
    for _ in 0..<3 {
      test.fail(.unavailable(retryAfter: nil))
      test.pass(.seconds(30))
    }
    let before = left()
    test.succeed()
    #expect(before == whole - 15 && left() == whole - 10)
    test.succeed()
    #expect(left() == whole - 9)
  }
}
