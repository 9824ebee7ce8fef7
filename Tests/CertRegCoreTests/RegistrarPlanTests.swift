import CertRegTesting
import Testing

@testable import CertRegCore

/// Plans with several steps, and several hosts.
@Suite struct RegistrarPlanTests {
  /// Sets a status after the registration. It represents every step that can be repeated.
  private struct SecondStep: Step {
    let operation = UpstreamOperation.registerCertificateWithoutCA
    let isMarked = false

    func call(for pending: PendingRegistration) -> UpstreamCall {
      .registerCertificateWithoutCA(
        RegisterCertificateCall(certificateID: pending.key.certificateID, der: [2], status: .active))
    }

    func read(_ reply: UpstreamReply, to pending: PendingRegistration, mayHaveTakenEffect: Bool) -> StepResult {
      if case .failed(let failure) = reply { return .failed(failure) }
      var facts = pending.facts
      facts.registered?.status = .active
      return .done(facts)
    }
  }

  /// Answers every question later.
  private struct Distant: Coordinator {
    var ended: [RegistrationKey] = []

    func askLeave(for pending: PendingRegistration, isPromised: Bool) -> Coordination.Leave { .later }
    func mayCall(_ pending: PendingRegistration) -> Bool { true }
    func revokes(_ pending: PendingRegistration) {}
    func isSafe(_ pending: PendingRegistration) -> Bool { true }
    mutating func ended(_ id: JobID, _ ending: Ending?) { ended.append(id.key) }
    func share(of operation: UpstreamOperation, target: TargetName) -> PaceShare? {
      PaceShare(part: 0.1, probing: .nobody)
    }
  }

  /// Answers only at the second question whether a call may begin.
  private struct Slow: Coordinator {
    var asked: Set<JobID> = []

    func askLeave(for pending: PendingRegistration, isPromised: Bool) -> Coordination.Leave { .granted }
    mutating func mayCall(_ pending: PendingRegistration) -> Bool { !asked.insert(pending.id).inserted }
    func revokes(_ pending: PendingRegistration) {}
    func isSafe(_ pending: PendingRegistration) -> Bool { true }
    func ended(_ id: JobID, _ ending: Ending?) {}
    func share(of operation: UpstreamOperation, target: TargetName) -> PaceShare? { nil }
  }

  private static let target = TargetName("default")
  private static let key = RegistrationKey(certificateID: CertificateID(words: (1, 0, 0, 0)), target: target)
  private let now = ManualClock().now
  private static let registered = UpstreamReply.registered(certificateARN: "arn", requestID: "r")

  private func registrar(
    _ steps: [any Step] = [RegisterStep()], _ coordinator: any Coordinator = Alone()
  ) -> Registrar {
    let registrar = Registrar(
      configuration: .init(maxPending: 4, maxAge: nil), makePlan: { _ in Plan(steps) }, coordinator: coordinator,
      seed: 1)
    _ = registrar.setTargets([Self.target: .one(ratePerSecond: nil, burst: 1, maxConcurrent: 1)], now: now)
    return registrar
  }

  private func request(_ status: CertificateStatus? = nil, key: RegistrationKey = key) -> Registrar.Request {
    Registrar.Request(
      key: key, der: [1], basis: .anyTime, namedStatus: status, status: status, ifExists: .return,
      requester: Requester(uid: 1), expectation: .result(deadline: now.monotonic + .seconds(9)))
  }

  /// Ends every commit with success. Returns the other actions and the changes.
  private func settle(
    _ actions: [Registrar.Action], _ registrar: inout Registrar
  ) -> (actions: [Registrar.Action], changes: [StoreChange]) {
    var (left, others, changes) = (actions, [] as [Registrar.Action], [] as [StoreChange])
    while !left.isEmpty {
      let action = left.removeFirst()
      if case .commit(let id, let committed) = action {
        changes += committed
        left += registrar.committed(id, .success(()), now: now)
      } else {
        others.append(action)
      }
    }
    return (others, changes)
  }

  private func calls(_ actions: [Registrar.Action]) -> [[UInt8]] {
    actions.compactMap { action in
      if case .call(_, .registerCertificateWithoutCA(let call)) = action { call.der } else { nil }
    }
  }

  private func end(_ actions: [Registrar.Action]) -> Registration? {
    for case .ended(_, .registered(let registration)) in actions { return registration }
    return nil
  }

  @Test func `the next step begins once the end of the first is on disk, and the last step ends the registration`() {
    var registrar = registrar([RegisterStep(), SecondStep()])
    #expect(calls(settle(registrar.register(request(), waiter: 1, now: now), &registrar).actions) == [[1]])
    let first = settle(registrar.replied(Self.key, Self.registered, now: now), &registrar)
    let facts = JobFacts(
      completedSteps: 1,
      registered: RegisteredCertificate(certificateARN: "arn", outcome: .created, status: .inactive, requestID: "r"))
    #expect(first.changes == [.noteProgress(JobID(key: Self.key, sequence: 1), facts)])
    #expect(calls(first.actions) == [[2]] && end(first.actions) == nil)
    let second = settle(registrar.replied(Self.key, Self.registered, now: now), &registrar)
    #expect(end(second.actions)?.status == .active && end(second.actions)?.outcome == .created)
    #expect(registrar.pendingCount == 0 && registrar.isQuiet)
  }

  @Test func `the first call of a step waits behind calls of others that were there before`() {
    var registrar = registrar([RegisterStep(), SecondStep()])
    let other = RegistrationKey(certificateID: CertificateID(words: (2, 0, 0, 0)), target: Self.target)
    _ = settle(registrar.register(request(), waiter: 1, now: now), &registrar)
    _ = settle(registrar.register(request(key: other), waiter: 2, now: now), &registrar)
    func begun(_ actions: [Registrar.Action]) -> [RegistrationKey] {
      actions.compactMap { action in if case .call(let id, _) = action { id.key } else { nil } }
    }
    #expect(begun(settle(registrar.replied(Self.key, Self.registered, now: now), &registrar).actions) == [other])
    #expect(begun(settle(registrar.replied(other, Self.registered, now: now), &registrar).actions) == [Self.key])
  }

  @Test func `a restart continues with the next step`() {
    var row = PendingRegistration(
      key: Self.key, sequence: 3, der: [1], status: nil, enqueuedAt: now.wall, callStarted: false, attempts: 1,
      lastError: nil, requester: Requester(uid: 1), basis: .anyTime)
    row.facts = JobFacts(
      completedSteps: 1,
      registered: RegisteredCertificate(certificateARN: "arn", outcome: .existing, status: nil, requestID: nil))
    var registrar = registrar([RegisterStep(), SecondStep()])
    let resumed = settle(registrar.resume([row], now: now), &registrar)
    #expect(calls(resumed.actions) == [[2]] && resumed.changes == [])
    let ended = settle(registrar.replied(Self.key, Self.registered, now: now), &registrar)
    #expect(end(ended.actions)?.outcome == .existing && end(ended.actions)?.status == .active)
  }

  @Test func `progress that the disk does not take is written again, and no step begins before`() {
    var registrar = registrar([RegisterStep(), SecondStep()])
    _ = settle(registrar.register(request(), waiter: 1, now: now), &registrar)
    guard case .commit(let id, _)? = registrar.replied(Self.key, Self.registered, now: now).first else {
      Issue.record("no commit")
      return
    }
    let refused = registrar.committed(id, .failure(StoreError(.full, message: "full")), now: now)
    #expect(refused == [])
    let later = Moment(monotonic: now.monotonic + .seconds(1), wall: now.wall)
    #expect(calls(settle(registrar.timePassed(now: later), &registrar).actions) == [[2]])
  }

  @Test func `no call begins before another host gives leave, and its earlier call counts as ours`() {
    var registrar = registrar([RegisterStep()], Distant())
    let asked = settle(registrar.register(request(.active), waiter: 1, now: now), &registrar)
    #expect(calls(asked.actions) == [] && asked.changes.count == 1)
    let wrong = registrar.coordinated(Self.key, sequence: 99, .granted(earlierCall: false), now: now)
    #expect(calls(settle(wrong, &registrar).actions) == [])
    let granted = registrar.coordinated(Self.key, sequence: 1, .granted(earlierCall: true), now: now)
    #expect(calls(settle(granted, &registrar).actions) == [[1]])
    let exists = UpstreamReply.alreadyExists(certificateARN: "arn", status: nil, requestID: nil)
    let ended = settle(registrar.replied(Self.key, exists, now: now), &registrar)
    #expect(end(ended.actions)?.outcome == .created && end(ended.actions)?.status == .active)
  }

  @Test func `what the fleet knows of the status counts behind another host's lost call`() {
    var registrar = registrar([RegisterStep()], Distant())
    _ = settle(registrar.register(request(nil), waiter: 1, now: now), &registrar)
    let granted = registrar.coordinated(
      Self.key, sequence: 1, .granted(earlierCall: true, status: .revoked), now: now)
    #expect(calls(settle(granted, &registrar).actions) == [[1]])
    let exists = UpstreamReply.alreadyExists(certificateARN: "arn", status: nil, requestID: nil)
    let ended = settle(registrar.replied(Self.key, exists, now: now), &registrar)
    #expect(end(ended.actions)?.outcome == .created && end(ended.actions)?.status == .revoked)
  }

  @Test func `a job whose work the one before it has done ends once the claim is its own`() {
    var registrar = Registrar(
      configuration: .init(maxPending: 4, maxAge: nil), coordinator: Distant(), seed: 1)
    _ = registrar.setTargets([Self.target: .one(ratePerSecond: nil, burst: 1, maxConcurrent: 1)], now: now)
    var setting = request(.active)
    (setting.purpose, setting.ifExists) = (.registerAndSet, .update)
    _ = settle(registrar.register(request(.active), waiter: 1, now: now), &registrar)
    _ = settle(registrar.register(setting, waiter: 2, now: now), &registrar)
    _ = settle(registrar.coordinated(Self.key, sequence: 1, .granted(earlierCall: false), now: now), &registrar)
    _ = settle(registrar.replied(Self.key, Self.registered, now: now), &registrar)
    #expect(registrar.pendingCount == 1)
    let granted = registrar.coordinated(Self.key, sequence: 2, .granted(earlierCall: false), now: now)
    #expect(calls(settle(granted, &registrar).actions) == [])
    #expect(registrar.isQuiet && registrar.pendingCount == 0)
  }

  @Test func `calls that other hosts kept waiting do not begin in one burst`() {
    let registrar = Registrar(
      configuration: .init(maxPending: 9, maxAge: nil), makePlan: { _ in Plan([RegisterStep()]) }, coordinator: Slow(),
      seed: 1)
    _ = registrar.setTargets([Self.target: .one(ratePerSecond: 10, burst: 2, maxConcurrent: 9)], now: now)
    func later(_ milliseconds: Int64) -> Moment {
      Moment(monotonic: now.monotonic + .milliseconds(milliseconds), wall: now.wall)
    }
    func begun(_ actions: [Registrar.Action], at now: Moment) -> [UInt64] {
      var (left, begun) = (actions, [] as [UInt64])
      while !left.isEmpty {
        switch left.removeFirst() {
        case .commit(let id, _): left += registrar.committed(id, .success(()), now: now)
        case .call(let id, _): begun.append(id.key.certificateID.words.0)
        default: break
        }
      }
      return begun
    }
    let keys = (1...6).map {
      RegistrationKey(certificateID: CertificateID(words: ($0, 0, 0, 0)), target: Self.target)
    }
    // The first two calls begin with the request, without a question.
    for (index, key) in keys.enumerated() {
      let actions = registrar.register(request(key: key), waiter: UInt64(index), now: now)
      #expect(begun(actions, at: now) == (index < 2 ? [UInt64(index + 1)] : []))
    }
    for key in keys.prefix(2) { #expect(begun(registrar.replied(key, Self.registered, now: now), at: now) == []) }
    // The others get their permits one after the other, and the answers to all come together.
    for time in 1...6 as ClosedRange<Int64> {
      #expect(begun(registrar.timePassed(now: later(100 * time)), at: later(100 * time)) == [])
    }
    var all: [UInt64] = []
    for key in keys.dropFirst(2).reversed() {
      all += begun(registrar.mayCall(registrar.id(of: key), true, now: later(900)), at: later(900))
    }
    all += begun(registrar.timePassed(now: later(900)), at: later(900))
    #expect(all == [3, 4])
    for key in keys[2...3] { _ = registrar.replied(key, Self.registered, now: later(900)) }
    let newer = RegistrationKey(certificateID: CertificateID(words: (7, 0, 0, 0)), target: Self.target)
    #expect(begun(registrar.register(request(key: newer), waiter: 99, now: later(900)), at: later(900)) == [])
    for time in [1001, 1101] as [Int64] {
      let next = begun(registrar.timePassed(now: later(time)), at: later(time))
      #expect(next.count == 1)
      all += next
    }
    // Nor does a newer request overtake them.
    #expect(all == [3, 4, 5, 6])
  }

  @Test(arguments: [false, true])
  func `the result of another host ends a registration without a call`(_ comesBeforeDisk: Bool) {
    let elsewhere = RegistrationKey(certificateID: Self.key.certificateID, target: TargetName("its own name"))
    let known = Registration(
      key: elsewhere, certificateARN: "arn:elsewhere", outcome: .created, status: .active, requestID: nil,
      finishedAt: now.wall, basis: .anyTime, requester: Requester(uid: 99), deviceID: DeviceID("theirs"))
    var registrar = registrar([RegisterStep()], Distant())
    let asked = registrar.register(request(), waiter: 1, now: now)
    var actions: [Registrar.Action] = []
    if comesBeforeDisk {
      actions = registrar.coordinated(Self.key, sequence: 1, .known(known, home: nil), now: now)
      actions += settle(asked, &registrar).actions
    } else {
      _ = settle(asked, &registrar)
      actions = registrar.coordinated(Self.key, sequence: 1, .known(known, home: nil), now: now)
      actions = settle(actions, &registrar).actions
    }
    var expected = known
    expected.key = Self.key
    expected.requester = Requester(uid: 1)
    #expect(end(actions) == expected && calls(actions) == [])
    #expect(registrar.isQuiet && registrar.pendingCount == 0)
  }

  @Test func `an update is newer than the result of another host that came while it was at work`() {
    var registrar = Registrar(
      configuration: .init(maxPending: 4, maxAge: nil), coordinator: Distant(), seed: 1)
    _ = registrar.setTargets([Self.target: .one(ratePerSecond: nil, burst: 1, maxConcurrent: 1)], now: now)
    var update = request(.active)
    (update.purpose, update.der) = (.update, [])
    _ = settle(registrar.register(update, waiter: 1, now: now), &registrar)
    _ = settle(registrar.register(request(), waiter: 2, now: now), &registrar)
    let known = Registration(
      key: Self.key, certificateARN: "arn", outcome: .created, status: .inactive, requestID: nil, finishedAt: now.wall,
      basis: .anyTime, requester: Requester(uid: 99))
    _ = registrar.coordinated(Self.key, sequence: 2, .known(known, home: nil), now: now)
    _ = settle(registrar.coordinated(Self.key, sequence: 1, .granted(earlierCall: false), now: now), &registrar)
    let ended = settle(registrar.replied(Self.key, .updated(requestID: nil), now: now), &registrar)
    #expect(end(ended.actions)?.status == .active && end(ended.actions)?.outcome == .created)
    #expect(registrar.isQuiet && registrar.pendingCount == 0)
  }
}
