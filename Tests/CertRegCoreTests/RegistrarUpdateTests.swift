import CertRegTesting
import Testing

@testable import CertRegCore

/// Changes of a status: their order, their place beside registrations, and their ends.
@Suite struct RegistrarUpdateTests {
  private static let target = TargetName("default")
  private static let key = RegistrationKey(certificateID: CertificateID(words: (1, 0, 0, 0)), target: target)
  private static let registered = UpstreamReply.registered(certificateARN: "arn", requestID: "r")
  private let now = ManualClock().now
  private var registrar = Registrar(configuration: .init(maxPending: 9, maxAge: nil), seed: 1)

  /// What came of events once every commit has succeeded.
  private struct Outcome {
    var calls: [UpstreamCall] = []
    var answers: [Registrar.WaiterID: Registrar.Answer] = [:]
    var changes: [StoreChange] = []

    var statuses: [CertificateStatus?] {
      calls.map { call in
        switch call {
        case .registerCertificateWithoutCA(let call): call.status
        case .updateCertificate(let call): call.status
        case .provision: nil
        }
      }
    }
  }

  init() {
    _ = registrar.setTargets([Self.target: .one(ratePerSecond: nil, burst: 9, maxConcurrent: 9)], now: now)
  }

  private func request(
    _ purpose: JobPurpose, _ status: CertificateStatus?, wait: Bool = true
  ) -> Registrar.Request {
    Registrar.Request(
      key: Self.key, purpose: purpose, der: purpose.registers ? [1] : [], basis: .anyTime, namedStatus: status,
      status: status, ifExists: purpose == .registerAndSet ? .update : .return, requester: Requester(uid: 1),
      expectation: wait ? .result(deadline: now.monotonic + .seconds(9)) : .queued)
  }

  private mutating func settle(_ actions: [Registrar.Action]) -> Outcome {
    var outcome = Outcome()
    var left = actions
    while !left.isEmpty {
      switch left.removeFirst() {
      case .commit(let id, let changes):
        outcome.changes += changes
        left += registrar.committed(id, .success(()), now: now)
      case .call(_, let call): outcome.calls.append(call)
      case .answer(let waiter, let answer, _): outcome.answers[waiter] = answer
      case .remember, .rememberStatus, .forget, .ended: break
      case .report(let fault): Issue.record("\(fault)")
      }
    }
    return outcome
  }

  private mutating func ask(_ waiter: UInt64, _ request: Registrar.Request) -> Outcome {
    settle(registrar.register(request, waiter: waiter, now: now))
  }

  private mutating func reply(_ reply: UpstreamReply, from home: JobHome? = nil) -> Outcome {
    settle(registrar.replied(registrar.id(of: Self.key), reply, from: home, now: now))
  }

  private func failure(
    _ kind: ServiceError.Kind, _ disposition: UpstreamFailure.Disposition = .final, mayHaveTakenEffect: Bool = false
  ) -> UpstreamReply {
    .failed(
      UpstreamFailure(
        error: ServiceError(kind, reason: "r", message: "m", origin: .upstream), disposition: disposition,
        mayHaveTakenEffect: mayHaveTakenEffect))
  }

  private func status(_ answer: Registrar.Answer?) -> CertificateStatus? {
    switch answer {
    case .updated(let update): update.status
    case .registered(let registration): registration.status
    case .queued, .failed, nil: nil
    }
  }

  @Test mutating func `an update is on disk before its call, which needs no mark, and its status before the answer`() {
    let asked = settle(registrar.register(request(.update, .active), waiter: 1, now: now))
    guard case .enqueue(let row)? = asked.changes.first else {
      Issue.record("nothing is queued: \(asked.changes)")
      return
    }
    #expect(row.purpose == .update && !row.callStarted && asked.changes.count == 1)
    #expect(asked.statuses == [.active] && asked.answers.isEmpty)
    let ended = reply(.updated(requestID: "u"))
    let update = StatusUpdate(
      key: Self.key, status: .active, certificateARN: nil, requestID: "u", finishedAt: now.wall,
      requester: Requester(uid: 1))
    #expect(ended.changes == [.setStatus(row.id, update)] && ended.answers == [1: .updated(update)])
    #expect(registrar.pendingCount == 0 && registrar.isQuiet)
  }

  @Test mutating func `an update during a registration runs after it, and names its ARN`() {
    #expect(ask(1, request(.register, nil)).calls.count == 1)
    #expect(ask(2, request(.update, .active)).calls.isEmpty)
    let first = reply(Self.registered)
    #expect(first.statuses == [.active] && status(first.answers[1]) == .inactive)
    guard case .updated(let update)? = reply(.updated(requestID: nil)).answers[2] else {
      Issue.record("no answer")
      return
    }
    #expect(update.status == .active && update.certificateARN == "arn")
  }

  @Test mutating func `updates to one status share a call, and others follow in their order`() {
    #expect(ask(1, request(.update, .active)).calls.count == 1)
    #expect(ask(2, request(.update, .active)).calls.isEmpty)
    #expect(ask(3, request(.update, .inactive)).calls.isEmpty)
    #expect(ask(4, request(.update, .active)).calls.isEmpty)
    #expect(ask(5, request(.update, .active, wait: false)).answers == [5: .queued])
    let first = reply(.updated(requestID: nil))
    #expect(Set(first.answers.keys) == [1, 2] && first.statuses == [.inactive])
    let second = reply(.updated(requestID: nil))
    #expect(Set(second.answers.keys) == [3] && second.statuses == [.active])
    #expect(Set(reply(.updated(requestID: nil)).answers.keys) == [4])
    #expect(registrar.pendingCount == 0)
  }

  @Test mutating func `a restart goes on with the jobs of a certificate in their order`() {
    var rows: [PendingRegistration] = []
    for (waiter, status) in [(1, CertificateStatus.active), (2, .inactive)] as [(UInt64, CertificateStatus)] {
      for case .enqueue(let row) in ask(waiter, request(.update, status, wait: false)).changes { rows.append(row) }
    }
    registrar = Registrar(configuration: .init(maxPending: 9, maxAge: nil), seed: 1)
    _ = registrar.setTargets([Self.target: .one(ratePerSecond: nil, burst: 9, maxConcurrent: 9)], now: now)
    #expect(settle(registrar.resume(rows, firstSequence: 3, now: now)).statuses == [.active])
    #expect(reply(.updated(requestID: nil)).statuses == [.inactive])
    _ = reply(.updated(requestID: nil))
    #expect(registrar.pendingCount == 0)
  }

  @Test mutating func `a certificate that exists gets the status in a second step, and a new one needs none`() {
    _ = ask(1, request(.registerAndSet, .active))
    let created = reply(Self.registered)
    #expect(created.calls.isEmpty && status(created.answers[1]) == .active)
    _ = ask(2, request(.registerAndSet, .active))
    let exists = reply(.alreadyExists(certificateARN: "arn", status: nil, requestID: nil))
    #expect(exists.statuses == [.active] && exists.answers.isEmpty)
    guard case .registered(let registration)? = reply(.updated(requestID: nil)).answers[2] else {
      Issue.record("no answer")
      return
    }
    #expect(registration.status == .active && registration.outcome == .existing)
  }

  @Test mutating func `a request for another status than the registration under way takes over its result`() {
    _ = ask(1, request(.register, nil))
    #expect(ask(2, request(.registerAndSet, .active)).calls.isEmpty)
    let first = reply(Self.registered)
    #expect(first.statuses == [.active] && first.calls.first?.operation == .updateCertificate)
    // The disk has both or neither: after a crash the certificate is still ours.
    #expect(
      first.changes.contains { if case .noteProgress(let id, _) = $0 { id.sequence == 2 } else { false } })
    guard case .registered(let registration)? = reply(.updated(requestID: nil)).answers[2] else {
      Issue.record("no answer")
      return
    }
    #expect(registration.status == .active && registration.outcome == .created)
  }

  @Test mutating func `a step that fails after the registration names itself, and the result is kept`() {
    _ = ask(1, request(.registerAndSet, .active))
    _ = reply(.alreadyExists(certificateARN: "arn", status: .revoked, requestID: nil))
    let failed = reply(failure(.certificateState))
    guard case .failed(let error)? = failed.answers[1], case .complete(_, let kept)? = failed.changes.last else {
      Issue.record("no failure: \(failed)")
      return
    }
    #expect(error.failedStep?.operation == "UpdateCertificate" && error.failedStep?.certificateARN == "arn")
    #expect(kept.status == .revoked && kept.outcome == .existing)
  }

  @Test mutating func `a lost answer leaves the status in doubt if the update is given up`() {
    _ = ask(1, request(.update, .active))
    _ = reply(failure(.serviceUnavailable, .unavailable(retryAfter: nil), mayHaveTakenEffect: true))
    let later = Moment(monotonic: now.monotonic + .seconds(5), wall: now.wall + .seconds(5))
    #expect(settle(registrar.timePassed(now: later)).calls.count == 1)
    let ended = reply(failure(.certificateState))
    guard case .fail(_, let failed)? = ended.changes.last else {
      Issue.record("no failure: \(ended)")
      return
    }
    #expect(failed.statusIsInDoubt && !failed.isGone)
  }

  @Test mutating func `a caller that asked for no status gets the registration if a later step fails`() {
    _ = ask(1, request(.registerAndSet, .active))
    var plain = request(.register, nil)
    plain.namedStatus = nil
    _ = ask(2, plain)
    let told = reply(.alreadyExists(certificateARN: "arn", status: .inactive, requestID: nil)).answers
    let ended = reply(failure(.certificateState))
    guard case .failed? = ended.answers[1], case .registered(let registration)? = told[2] else {
      Issue.record("\(told) \(ended.answers)")
      return
    }
    #expect(registration.status == .inactive && registration.outcome == .existing)
  }

  @Test mutating func `a failed job hands on no status to one that believes none`() {
    var known = request(.update, .inactive)
    known.registered = RegisteredCertificate(
      certificateARN: "arn", outcome: .created, status: .active, requestID: nil)
    _ = ask(1, known)
    var refresh = request(.registerAndSet, .active)
    refresh.earlier = EarlierResult(outcome: .created, status: nil)
    _ = ask(2, refresh)
    let registered = reply(failure(.certificateState))
    #expect(registered.calls.map(\.operation) == [.registerCertificateWithoutCA])
    let exists = reply(.alreadyExists(certificateARN: "arn", status: nil, requestID: nil))
    #expect(exists.statuses == [.active] && exists.calls.first?.operation == .updateCertificate)
    #expect(status(reply(.updated(requestID: nil)).answers[2]) == .active)
  }

  @Test mutating func `a target that moved between two steps is registered with anew`() {
    let home = JobHome(location: .aws(region: "eu-central-1"), account: nil)
    _ = ask(1, request(.registerAndSet, .active))
    let step = reply(.alreadyExists(certificateARN: "arn", status: .inactive, requestID: nil), from: home)
    #expect(step.calls.first?.home == home)
    let moved = settle(registrar.moved(registrar.id(of: Self.key), now: now))
    #expect(moved.calls.map(\.operation) == [.registerCertificateWithoutCA])
    guard case .keep(let left, home)? = moved.changes.first else {
      Issue.record("the result was lost: \(moved.changes)")
      return
    }
    #expect(left.status == .inactive && left.outcome == .existing)
    let created = reply(Self.registered, from: JobHome(location: .aws(region: "eu-west-1"), account: nil))
    #expect(status(created.answers[1]) == .active)
  }

  // MARK: Two homes

  private static let first = JobHome(location: .aws(region: "eu-central-1"), account: nil)
  private static let second = JobHome(location: .aws(region: "eu-west-1"), account: nil)

  private func request(at place: JobHome, earlier: EarlierResult? = nil) -> Registrar.Request {
    var request = request(.register, nil)
    request.place = place
    request.earlier = earlier
    request.refreshes = earlier != nil
    return request
  }

  private func registered(_ arn: String) -> UpstreamReply { .registered(certificateARN: arn, requestID: nil) }

  private func arn(_ answer: Registrar.Answer?) -> String? {
    guard case .registered(let registration)? = answer else { return nil }
    return registration.certificateARN
  }

  @Test mutating func `a request is not answered with what a call to another home finds`() {
    _ = ask(1, request(at: Self.first))
    #expect(ask(2, request(at: Self.second)).calls.isEmpty)
    let ended = reply(registered("first"), from: Self.first)
    #expect(arn(ended.answers[1]) == "first" && ended.answers[2] == nil && ended.calls.count == 1)
    #expect(arn(reply(registered("second"), from: Self.second).answers[2]) == "second")
  }

  @Test mutating func `a request is not answered with what a job between its steps found in another home`() {
    _ = ask(1, request(.registerAndSet, .active))
    let exists = UpstreamReply.alreadyExists(certificateARN: "first", status: .inactive, requestID: nil)
    #expect(reply(exists, from: Self.first).statuses == [.active])
    #expect(arn(ask(2, request(at: Self.first)).answers[2]) == "first")
    #expect(ask(3, request(at: Self.second)).answers.isEmpty)
  }

  @Test mutating func `one call answers all where the target points now, whenever they asked`() {
    let line = Registrar(configuration: .init(maxPending: 9, maxAge: nil), seed: 1)
    _ = line.setTargets([Self.target: .one(ratePerSecond: nil, burst: 9, maxConcurrent: 1)], now: now)
    registrar = line
    var other = request(at: Self.first)
    other.key = RegistrationKey(certificateID: CertificateID(words: (2, 0, 0, 0)), target: Self.target)
    _ = ask(3, other)
    _ = ask(1, request(at: Self.first))
    _ = ask(2, request(at: Self.second))
    let freed = settle(registrar.replied(registrar.id(of: other.key), registered("other"), from: Self.first, now: now))
    #expect(freed.calls.count == 1)
    let ended = reply(registered("second"), from: Self.second)
    #expect(arn(ended.answers[1]) == "second" && arn(ended.answers[2]) == "second" && ended.calls.isEmpty)
  }

  @Test(arguments: [nil, EarlierResult(outcome: .created, status: .active, provisioned: nil)])
  mutating func `what is known of one home says nothing of another`(earlier: EarlierResult?) {
    _ = ask(1, request(at: Self.first, earlier: earlier))
    _ = reply(failure(.serviceUnavailable, .unavailable(retryAfter: nil), mayHaveTakenEffect: true), from: Self.first)
    let later = Moment(monotonic: now.monotonic + .seconds(60), wall: now.wall + .seconds(60))
    #expect(settle(registrar.timePassed(now: later)).calls.count == 1)
    let ended = reply(.alreadyExists(certificateARN: "second", status: nil, requestID: nil), from: Self.second)
    guard case .complete(_, let registration)? = ended.changes.first else {
      Issue.record("\(ended)")
      return
    }
    #expect(registration.outcome == .existing && registration.status == nil)
  }
}

/// The order of jobs.
@Suite struct JobLinesTests {
  private func id(_ sequence: Int64, _ certificate: UInt64 = 1) -> JobID {
    JobID(
      key: RegistrationKey(certificateID: CertificateID(words: (certificate, 0, 0, 0)), target: TargetName("t")),
      sequence: sequence)
  }

  @Test func `jobs of one certificate follow each other, whichever of them goes first`() {
    for order in [[1, 2, 3], [3, 2, 1], [2, 1, 3], [2, 3, 1]] as [[Int64]] {
      var lines = JobLines()
      for sequence in 1...3 as ClosedRange<Int64> { lines.append(id(sequence), registers: sequence == 2) }
      lines.append(id(9, 2), registers: true)
      var left: [Int64] = [1, 2, 3]
      for sequence in order {
        let wasFirst = left.first == sequence
        left.removeAll { $0 == sequence }
        #expect(lines.remove(id(sequence)) == (wasFirst ? left.first.map { id($0) } : nil))
        #expect(lines.first(of: id(1).key) == left.first.map { id($0) })
        #expect(lines.last(of: id(1).key) == left.last.map { id($0) })
        #expect(lines.registration(of: id(1).key) == (left.contains(2) ? id(2) : nil))
        for (one, other) in zip(left, left.dropFirst()) { #expect(lines.next(after: id(one)) == id(other)) }
      }
      #expect(lines.first(of: id(9, 2).key) == id(9, 2))
    }
  }
}
