import CertRegTesting
import Testing

@testable import CertRegCore

/// What one member of a fleet decides.
@Suite struct FleetMemberTests {
  private static let target = "default sandbox r"
  private static let key = FleetKey(certificateID: CertificateID(words: (1, 0, 0, 0)), target: target)
  private static let job = JobID(
    key: RegistrationKey(certificateID: key.certificateID, target: TargetName("default")), sequence: 7)

  private let clock = ManualClock()

  private func member(sent: Int64 = 0, fleetID: String? = "f") -> FleetMember {
    FleetMember(
      name: "m1", progress: FleetProgress(fleetID: fleetID, sentNumber: sent), seed: 1, now: clock.now)
  }

  private func welcome(
    sent: Int64 = 0, id: String = "f", isSameState: Bool = true, rows: [FleetReply.Row] = [], claims: [FleetKey] = [],
    heard: Int64 = 1
  ) -> FleetWelcome {
    FleetWelcome(
      fleetID: id, isSameState: isSameState, sent: sent, rows: rows, claims: claims, heard: isSameState ? heard : 0,
      time: clock.now.wall.microsecondsSinceEpoch)
  }

  /// A member that has entered the fleet and had its first full exchange.
  private func joined(sent: Int64 = 0) -> FleetMember {
    var member = member(sent: sent)
    member.start(sentNumber: sent, firstSequence: 7, now: clock.now)
    member.joined(welcome(sent: sent), now: clock.now)
    reply(FleetReply(), to: &member)
    return member
  }

  private static var granted: FleetReply {
    var granted = FleetReply()
    granted.granted = [key: false]
    return granted
  }

  /// A member whose job has its claim.
  private func working() -> FleetMember {
    var member = joined()
    _ = member.claim(Self.key, isCalled: false, since: .min, now: clock.now)
    reply(Self.granted, to: &member)
    _ = member.begin(Self.job, Self.key, since: .min, now: clock.now)
    return member
  }

  /// Whether calls may begin that waited to be marked.
  private func marks(_ actions: [FleetMember.Action]) -> [Bool] {
    actions.compactMap { if case .marked(_, let isGranted) = $0 { isGranted } else { nil } }
  }

  @discardableResult
  private func reply(_ reply: FleetReply, to member: inout FleetMember) -> [FleetMember.Action] {
    _ = member.takeActions()
    member.replied(reply, now: clock.now)
    return member.takeActions()
  }

  private func batch(_ actions: [FleetMember.Action]) -> FleetBatch? {
    for case .exchange(let batch) in actions { return batch }
    return nil
  }

  private func answers(_ actions: [FleetMember.Action]) -> [FleetMember.Answer] {
    actions.compactMap { if case .answer(_, let answer) = $0 { answer } else { nil } }
  }

  private func result(
    stamp: Int64, outcome: RegistrationOutcome = .created, status: CertificateStatus = .active
  ) -> SharedResult {
    SharedResult(
      key: Self.key, stamp: stamp,
      content: SharedResult.Content(
        certificateARN: "arn:aws:iot:r:1:cert/" + Self.key.certificateID.hex, outcome: outcome, status: status,
        requestID: nil, finishedAt: clock.now.wall, basis: .anyTime, deviceID: nil, provisioned: nil))
  }

  @Test func `a request asks the fleet, and begins with its claim`() throws {
    var member = joined()
    let token = member.claim(Self.key, isCalled: true, since: .min, now: clock.now)
    #expect(token != nil)
    let sent = try #require(batch(member.takeActions()))
    #expect(sent.claims == [FleetBatch.Claim(key: Self.key, isCalled: true)])
    var granted = FleetReply()
    granted.granted = [Self.key: false]
    let told = answers(reply(granted, to: &member))
    #expect(told == [.granted(earlierCall: false)])
    let leave = member.begin(Self.job, Self.key, since: .min, now: clock.now)
    #expect(leave == .granted)
    member.end(Self.job, Self.key)
    member.timePassed(now: clock.now)
    let last = batch(member.takeActions())
    #expect(last?.releases == [Self.key])
  }

  @Test func `a busy member lets a moment pass between exchanges, and then asks all questions together`() {
    var member = joined()
    let keys = (0..<12).map { FleetKey(certificateID: CertificateID(words: ($0 + 1, 0, 0, 0)), target: Self.target) }
    for key in keys.prefix(10) { _ = member.claim(key, isCalled: true, since: .min, now: clock.now) }
    var granted = FleetReply()
    granted.granted = [keys[0]: false]
    var second = batch(reply(granted, to: &member))
    #expect(second?.claims.count == 9)
    granted.granted = Dictionary(keys[1..<10].map { ($0, false) }) { first, _ in first }
    second = batch(reply(granted, to: &member))
    #expect(second == nil)
    for key in keys.suffix(2) { _ = member.claim(key, isCalled: true, since: .min, now: clock.now) }
    #expect(batch(member.takeActions()) == nil)
    #expect(member.nextDeadline(now: clock.now.monotonic) == clock.now.monotonic + FleetMember.busyPause)
    clock.advance(by: FleetMember.busyPause)
    member.timePassed(now: clock.now)
    #expect(batch(member.takeActions())?.claims.map(\.key) == keys.suffix(2))
  }

  @Test func `a share is told again where it matters to others, and after each join`() throws {
    var member = joined()
    let id = FleetLane.ID(target: Self.target, operation: "o")
    let rate = FleetLane.Rate(callsPerSecond: 100)
    func report(_ want: Double, throttles: Int = 0, hasLearnt: Bool = false) -> FleetLane.Report {
      member.report(of: id, want: want, rate: rate, hasLearnt: hasLearnt, throttles: throttles)
    }
    func part(_ name: String, want: Double, share: Double) -> FleetLane.Part {
      FleetLane.Part(member: name, want: want, share: share, throttles: 0)
    }
    #expect(report(150).isNews)
    clock.advance(by: .milliseconds(300))
    member.timePassed(now: clock.now)
    var full = try #require(batch(member.takeActions()))
    full.lanes = [report(150)]
    member.filled(full)
    var reply = FleetReply()
    reply.lanes = [
      FleetLane.State(
        id: id, rate: rate, version: 1,
        parts: [part("m1", want: 150, share: 0.5), part("other", want: 150, share: 0.5)])
    ]
    member.replied(reply, now: clock.now)
    // More than twice its part makes no difference to the others.
    #expect(!report(150).isNews && !report(120).isNews && !report(1000).isNews)
    #expect(report(80).isNews && report(0).isNews)
    #expect(report(150, throttles: 1).isNews && report(150, hasLearnt: true).isNews)
    member.failed(FleetProblem(.unreachable, "x"), now: clock.now)
    member.joined(welcome(), now: clock.now)
    #expect(report(150).isNews)
  }

  @Test func `the parts of lanes that are not reported any more are given up once`() throws {
    var member = joined()
    let lanes = ["one", "two"].map {
      FleetLane.Report(
        id: FleetLane.ID(target: Self.target, operation: $0), want: 1, share: 1, throttles: 0, learnt: nil, version: 1,
        first: FleetLane.Rate(callsPerSecond: 10))
    }
    // What an earlier process had is not known.
    var other = FleetMember(name: "m1", progress: FleetProgress(fleetID: "f"), seed: 1, now: clock.now)
    other.start(sentNumber: 0, firstSequence: 7, now: clock.now)
    other.joined(welcome(), now: clock.now)
    #expect(other.hasOtherShares(than: []))
    clock.advance(by: .milliseconds(300))
    member.timePassed(now: clock.now)
    var full = try #require(batch(member.takeActions()))
    full.lanes = lanes
    member.filled(full)
    reply(FleetReply(), to: &member)
    #expect(!member.hasOtherShares(than: lanes))
    #expect(member.hasOtherShares(than: [lanes[0]]))
  }

  @Test func `what is told again is heard from where it was left, not from the beginning`() throws {
    var member = FleetMember(
      name: "m1", progress: FleetProgress(fleetID: "f", positions: ["m2": 500, "m3": 7]), seed: 1, now: clock.now)
    member.start(sentNumber: 0, firstSequence: 7, now: clock.now)
    member.joined(welcome(), now: clock.now)
    var lagging = FleetReply()
    lagging.members = [("m2", Int64(499)), ("m3", 7)].map {
      FleetReply.Member(
        name: $0.0, sent: $0.1, queued: 0, heardOfSecondsAgo: 0, isGone: false, targets: [], joined: 1)
    }
    reply(lagging, to: &member)
    #expect(member.positions == ["m2": 499, "m3": 7])
  }

  /// A member whose job has its claim and its share of a rate, and what it did on the last reply.
  private func memberAtWork(othersWant: Double = 0) throws -> (FleetMember, [FleetMember.Action]) {
    var member = joined()
    _ = member.begin(Self.job, Self.key, since: .min, now: clock.now)
    clock.advance(by: .milliseconds(300))
    member.timePassed(now: clock.now)
    var asked = try #require(batch(member.takeActions()))
    let lane = FleetLane.ID(target: Self.target, operation: "registerCertificateWithoutCA")
    asked.lanes = [
      member.report(
        of: lane, want: 1, rate: FleetLane.Rate(callsPerSecond: 10), hasLearnt: false, throttles: 0)
    ]
    member.filled(asked)
    var granted = FleetReply()
    granted.granted = [Self.key: false]
    granted.lanes = [
      FleetLane.State(
        id: lane, rate: FleetLane.Rate(callsPerSecond: 10), version: 1,
        parts: [
          FleetLane.Part(member: "m1", want: 1, share: 0.5, throttles: 0),
          FleetLane.Part(member: "m2", want: othersWant, share: 0.5, throttles: 0),
        ])
    ]
    let actions = reply(granted, to: &member)
    return (member, actions)
  }

  @Test func `a share comes before the jobs that are granted with it`() throws {
    let (_, actions) = try memberAtWork()
    let pace = actions.firstIndex { if case .pace = $0 { true } else { false } }
    let grant = actions.firstIndex { if case .coordinated = $0 { true } else { false } }
    #expect(try #require(pace) < #require(grant))
  }

  @Test(arguments: [(false, 5, true), (true, 5, false), (false, 0, false)])
  func `the end of all work is told early to those who wait for the rest of the rate`(
    hasOtherWork: Bool, othersWant: Double, isEarly: Bool
  ) throws {
    var (member, _) = try memberAtWork(othersWant: othersWant)
    if hasOtherWork {
      let other = FleetKey(certificateID: CertificateID(words: (2, 0, 0, 0)), target: Self.target)
      _ = member.claim(other, isCalled: true, since: .min, now: clock.now)
      _ = member.takeActions()
      var granted = FleetReply()
      granted.granted = [other: false]
      reply(granted, to: &member)
    }
    clock.advance(by: FleetMember.tick * 2 / 5)
    member.tell(Self.key, stamp: 1)
    member.end(Self.job, Self.key)
    member.timePassed(now: clock.now)
    let last = try #require(batch(member.takeActions()))
    #expect(last.results.map(\.key) == [Self.key] && last.isFull == isEarly)
  }

  @Test func `a claim whose grant was lost is asked for again, and not given up`() throws {
    var member = joined()
    _ = member.claim(Self.key, isCalled: true, since: .min, now: clock.now)
    member.failed(FleetProblem(.unreachable, "lost"), now: clock.now)
    _ = member.takeActions()
    member.joined(welcome(claims: [Self.key]), now: clock.now)
    let again = try #require(batch(member.takeActions()))
    #expect(again.claims.map(\.key) == [Self.key] && again.releases.isEmpty)
  }

  @Test func `rows without a job are read, a few at a time, and tried again where the disk is full`() throws {
    let rows = (1...30).map { FleetReply.Row(id: $0, sequence: -$0, key: Self.key, request: []) }
    var member = member()
    member.start(sentNumber: 0, firstSequence: 7, now: clock.now)
    member.joined(welcome(rows: rows), now: clock.now)
    #expect(batch(member.takeActions())?.fetchedRows == Array(1...20))
    var read = FleetReply()
    read.taken = [FleetReply.Row(id: 1, sequence: -1, key: Self.key, request: [1])]
    let actions = reply(read, to: &member)
    #expect(batch(actions)?.fetchedRows == Array(21...30))
    #expect(actions.contains { if case .takeOver(let row) = $0 { row.id == 1 } else { false } })
    member.postpone(1, now: clock.now.monotonic)
    reply(FleetReply(), to: &member)
    clock.advance(by: FleetMember.pauseOfRows)
    member.timePassed(now: clock.now)
    #expect(batch(member.takeActions())?.fetchedRows == [1])
  }

  @Test func `a refused result makes the job ask again, also where it is too old already`() throws {
    var member = joined()
    _ = member.begin(Self.job, Self.key, since: .min, now: clock.now)
    _ = member.takeActions()
    member.refresh(Self.key, now: clock.now.wall)
    let old = result(stamp: 0)
    #expect(!member.counts(old))
    var known = FleetReply()
    known.granted = [Self.key: false]
    reply(known, to: &member)
    member.reject(old)
    clock.advance(by: .milliseconds(20))
    member.timePassed(now: clock.now)
    #expect(batch(member.takeActions())?.claims.map(\.key) == [Self.key])
  }

  @Test func `keys are in the order of their bytes`() {
    let keys = [0x0100_0000_0000_0000, 0x0000_0000_0000_0002, 0x0000_0000_0000_0001].map {
      FleetKey(certificateID: CertificateID(words: (0, $0, 0, 0)), target: Self.target)
    }
    #expect(keys.sorted().map(\.certificateID.hex) == keys.map(\.certificateID.hex).sorted())
  }

  @Test func `a known result answers, and the claim that came with it is given up`() throws {
    var member = joined()
    _ = member.claim(Self.key, isCalled: true, since: .min, now: clock.now)
    var known = FleetReply()
    known.granted = [Self.key: false]
    known.known = [Self.key: result(stamp: 5)]
    let actions = reply(known, to: &member)
    #expect(answers(actions) == [.known(result(stamp: 5))])
    #expect(batch(actions)?.releases == [Self.key])
  }

  @Test func `a request that asks anew is not answered with what was known before`() throws {
    var member = joined()
    _ = member.claim(Self.key, isCalled: true, since: 9, now: clock.now)
    var known = FleetReply()
    known.granted = [Self.key: false]
    known.known = [Self.key: result(stamp: 5)]
    let told = answers(reply(known, to: &member))
    #expect(told == [.granted(earlierCall: false)])
  }

  @Test func `a job waits for the member that works on its certificate, and takes its result`() throws {
    var member = joined()
    let leave = member.begin(Self.job, Self.key, since: .min, now: clock.now)
    #expect(leave == .later)
    member.timePassed(now: clock.now)
    var held = FleetReply()
    held.holders = [Self.key: "m2"]
    reply(held, to: &member)
    #expect(member.standing(of: Self.job, Self.key).member == "m2")
    clock.advance(by: .milliseconds(300))
    member.timePassed(now: clock.now)
    let asked = batch(member.takeActions())
    #expect(asked?.claims.map(\.key) == [Self.key])
    var known = FleetReply()
    known.granted = [Self.key: false]
    known.known = [Self.key: result(stamp: 5)]
    let actions = reply(known, to: &member)
    let found = actions.compactMap { if case .coordinated(_, nil, let result?) = $0 { result } else { nil } }
    #expect(found == [result(stamp: 5)])
  }

  @Test func `a job that goes on behind a result takes it together with the claim`() {
    var member = joined()
    let later = JobID(key: Self.job.key, sequence: Self.job.sequence + 1)
    _ = member.begin(Self.job, Self.key, since: .min, goesOn: true, now: clock.now)
    _ = member.begin(later, Self.key, since: .min, now: clock.now)
    member.timePassed(now: clock.now)
    _ = member.takeActions()
    func told(_ reply: FleetReply) -> [JobID] {
      self.reply(reply, to: &member).compactMap { if case .coordinated(let id, nil, _?) = $0 { id } else { nil } }
    }
    var known = FleetReply()
    known.known = [Self.key: result(stamp: 5)]
    known.holders = [Self.key: "m2"]
    #expect(told(known) == [later])
    #expect(member.standing(of: Self.job, Self.key).member == "m2")
    member.end(later, Self.key)
    member.timePassed(now: clock.now)
    // The database is not asked again before the next full exchange.
    #expect(batch(member.takeActions())?.claims == [])
    reply(FleetReply(), to: &member)
    clock.advance(by: .milliseconds(300))
    member.timePassed(now: clock.now)
    _ = member.takeActions()
    known.granted = [Self.key: false]
    #expect(told(known) == [Self.job])
  }

  @Test func `a revocation is told to the holder with each question, until it is granted`() throws {
    var member = joined()
    _ = member.begin(Self.job, Self.key, since: nil, now: clock.now)
    member.revokes(Self.job, Self.key)
    member.timePassed(now: clock.now)
    #expect(batch(member.takeActions())?.revocations == [])
    var held = FleetReply()
    held.holders = [Self.key: "m2"]
    for _ in 0..<2 {
      reply(held, to: &member)
      clock.advance(by: .milliseconds(300))
      member.timePassed(now: clock.now)
      #expect(batch(member.takeActions())?.revocations == [Self.key])
    }
    var granted = FleetReply()
    granted.granted = [Self.key: false]
    reply(granted, to: &member)
    clock.advance(by: .milliseconds(300))
    member.timePassed(now: clock.now)
    #expect(batch(member.takeActions())?.revocations == [])
  }

  @Test func `a holder hears of another member's revocation while it has a job for the certificate`() throws {
    var member = joined()
    clock.advance(by: .milliseconds(300))
    member.timePassed(now: clock.now)
    #expect(try #require(batch(member.takeActions())).hearsRevocations == false)
    var revoked = FleetReply()
    revoked.revocations = [Self.key]
    func givesWay(_ actions: [FleetMember.Action]) -> Bool {
      actions.contains { if case .giveWay(Self.key) = $0 { true } else { false } }
    }
    #expect(!givesWay(reply(revoked, to: &member)))
    _ = member.begin(Self.job, Self.key, since: .min, now: clock.now)
    clock.advance(by: .milliseconds(300))
    member.timePassed(now: clock.now)
    #expect(try #require(batch(member.takeActions())).hearsRevocations)
    revoked.granted = [Self.key: false]
    #expect(givesWay(reply(revoked, to: &member)))
  }

  @Test func `a lane that the database has lost is told as a new one`() throws {
    var member = joined()
    let id = FleetLane.ID(target: Self.target, operation: "RegisterCertificateWithoutCA")
    let rate = FleetLane.Rate(callsPerSecond: 10)
    func exchange(_ lanes: [FleetLane.State]) throws {
      clock.advance(by: .milliseconds(300))
      member.timePassed(now: clock.now)
      var sent = try #require(batch(member.takeActions()))
      sent.lanes = [member.report(of: id, want: 1, rate: rate, hasLearnt: false, throttles: 0)]
      member.filled(sent)
      var answer = FleetReply()
      answer.lanes = lanes
      reply(answer, to: &member)
    }
    let part = FleetLane.Part(member: "m1", want: 1, share: 1, throttles: 0)
    try exchange([FleetLane.State(id: id, rate: rate, version: 7, parts: [part])])
    #expect(member.report(of: id, want: 1, rate: rate, hasLearnt: false, throttles: 0).version == 7)
    try exchange([])
    #expect(member.report(of: id, want: 1, rate: rate, hasLearnt: false, throttles: 0).version == 0)
  }

  @Test func `a lane that was not asked about is left aside`() throws {
    var member = joined()
    clock.advance(by: .milliseconds(300))
    member.timePassed(now: clock.now)
    var sent = try #require(batch(member.takeActions()))
    let rate = FleetLane.Rate(callsPerSecond: 10)
    let own = FleetLane.ID(target: Self.target, operation: "RegisterCertificateWithoutCA")
    sent.lanes = [member.report(of: own, want: 1, rate: rate, hasLearnt: false, throttles: 0)]
    member.filled(sent)
    var answer = FleetReply()
    let others = (1...1000).map { FleetLane.ID(target: "t\($0) sandbox r", operation: own.operation) }
    answer.lanes = ([own] + others).map { FleetLane.State(id: $0, rate: rate, version: 7, parts: []) }
    let paced = reply(answer, to: &member).compactMap { if case .pace(let id, _) = $0 { id } else { nil } }
    #expect(paced == [own])
    #expect(member.knowsLane(own) && !others.contains { member.knowsLane($0) })
  }

  @Test(arguments: [0, -1, Int64.min, .max])
  func `a number on disk that no member gives does not end the process`(number: Int64) throws {
    var member = member()
    member.start(sentNumber: number, lastStamp: number, firstSequence: 7, now: clock.now)
    member.joined(welcome(sent: 5), now: clock.now)
    member.tell(Self.key, stamp: 1)
    _ = member.takeActions()
    clock.advance(by: .milliseconds(300))
    reply(FleetReply(), to: &member)
    #expect(FleetProgress.numbers.contains(member.sentNumber) && member.sentNumber >= 5)
  }

  @Test func `a registration behind an update takes what the fleet knows, and the update does not`() {
    var member = joined()
    let later = JobID(key: Self.job.key, sequence: Self.job.sequence + 1)
    _ = member.begin(Self.job, Self.key, since: nil, now: clock.now)
    _ = member.begin(later, Self.key, since: .min, now: clock.now)
    member.timePassed(now: clock.now)
    _ = member.takeActions()
    var known = FleetReply()
    known.granted = [Self.key: false]
    known.known = [Self.key: result(stamp: 5)]
    let actions = reply(known, to: &member)
    let ended = actions.compactMap { if case .coordinated(let id, nil, _?) = $0 { id } else { nil } }
    let granted = actions.compactMap { if case .coordinated(let id, _?, nil) = $0 { id } else { nil } }
    #expect(ended == [later] && granted == [Self.job])
  }

  @Test func `a successor learns that a call may have been made`() {
    var member = joined()
    _ = member.claim(Self.key, isCalled: true, since: .min, now: clock.now)
    var granted = FleetReply()
    granted.granted = [Self.key: true]
    let told = answers(reply(granted, to: &member))
    #expect(told == [.granted(earlierCall: true)])
    let leave = member.begin(Self.job, Self.key, since: .min, now: clock.now)
    #expect(leave == .later)
    let later = member.takeActions().compactMap { if case .coordinated(_, let answer?, _) = $0 { answer } else { nil } }
    #expect(later == [.granted(earlierCall: true)])
  }

  @Test func `a successor learns the status that is known behind a call that may have been made`() {
    var member = joined()
    _ = member.begin(Self.job, Self.key, since: .min, now: clock.now)
    var granted = FleetReply()
    granted.granted = [Self.key: true]
    granted.known = [Self.key: result(stamp: 5, outcome: .existing, status: .revoked)]
    member.timePassed(now: clock.now)
    let actions = reply(granted, to: &member)
    let told = actions.compactMap { if case .coordinated(_, let answer?, _) = $0 { answer } else { nil } }
    #expect(told == [.granted(earlierCall: true, status: .revoked)])
  }

  @Test(arguments: [false, true])
  func `a claim with another member's call is left to others where no result answers it`(isAnswered: Bool) throws {
    var member = joined()
    _ = member.begin(Self.job, Self.key, since: .min, now: clock.now)
    member.timePassed(now: clock.now)
    _ = member.takeActions()
    var granted = FleetReply()
    granted.granted = [Self.key: true]
    reply(granted, to: &member)
    _ = member.takeActions()
    member.end(Self.job, Self.key, isAnswered: isAnswered)
    member.timePassed(now: clock.now)
    let last = try #require(batch(member.takeActions()))
    #expect(last.leftClaims == (isAnswered ? [] : [Self.key]) && last.releases == (isAnswered ? [Self.key] : []))
  }

  @Test func `a failure answers earlier calls where the upstream has told whether the certificate is there`() {
    let key = RegistrationKey(certificateID: Self.key.certificateID, target: TargetName("default"))
    func failed(_ error: ServiceError, registered: Registration? = nil) -> Ending {
      .failed(
        FailedRegistration(key: key, error: error, attempts: 1, finishedAt: clock.now.wall, registered: registered))
    }
    let registered = Registration(
      key: key, certificateARN: "arn", outcome: .existing, status: nil, requestID: nil, finishedAt: clock.now.wall,
      basis: .anyTime, requester: Requester(uid: 1))
    let refused = ServiceError(.unauthorized, reason: .accessDenied, message: "x", origin: .upstream)
    let isGone = ServiceError(.resourceNotFound, reason: .certificateNotFound, message: "x", origin: .upstream)
    #expect(Ending.registered(registered).answersEarlierCalls)
    #expect(failed(refused, registered: registered).answersEarlierCalls)
    #expect(failed(isGone).answersEarlierCalls)
    #expect(!failed(refused).answersEarlierCalls)
  }

  /// Why a member gives a claim up without the answer to an earlier call.
  enum Unanswered: CaseIterable {
    case updateEnded, jobRefusedWhileAsked, jobEndedAlone, requestRefused
  }

  @Test(arguments: Unanswered.allCases)
  func `a claim that nothing answers is left, since only the database knows of earlier calls`(why: Unanswered) throws {
    var member = joined()
    var granted = FleetReply()
    granted.granted = [Self.key: true]
    switch why {
    case .updateEnded, .jobRefusedWhileAsked:
      _ = member.begin(Self.job, Self.key, since: why == .updateEnded ? nil : .min, now: clock.now)
      member.timePassed(now: clock.now)
      if why == .updateEnded { reply(granted, to: &member) }
      member.end(Self.job, Self.key, isAnswered: why == .updateEnded)
      if why == .jobRefusedWhileAsked { member.replied(granted, now: clock.now) }
    case .jobEndedAlone:
      _ = member.begin(Self.job, Self.key, since: .min, now: clock.now)
      member.timePassed(now: clock.now)
      clock.advance(by: .milliseconds(1200))
      member.timePassed(now: clock.now)
      member.end(Self.job, Self.key)
      member.replied(granted, now: clock.now)
    case .requestRefused:
      _ = member.claim(Self.key, isCalled: true, since: .min, now: clock.now)
      reply(granted, to: &member)
      member.giveUp(Self.key)
    }
    member.timePassed(now: clock.now)
    let last = try #require(batch(member.takeActions().reversed()))
    #expect(last.leftClaims == [Self.key] && last.releases == [])
  }

  @Test func `claims wait for the results of their certificates, which go first`() throws {
    var member = joined()
    for number in 0..<1200 {
      let key = FleetKey(certificateID: CertificateID(words: (UInt64(number), 0, 0, 0)), target: Self.target)
      member.tell(key, stamp: 1)
      member.giveUpUnanswered(key)
    }
    member.timePassed(now: clock.now)
    let first = try #require(batch(member.takeActions().reversed()))
    #expect(first.leftClaims.count == 500 && first.leftClaims == first.results.map(\.key))
  }

  @Test func `a call whose claim was taken over does not begin`() {
    var member = working()
    let mayCall = member.mark(Self.job, Self.key, now: clock.now)
    #expect(!mayCall)
    #expect(marks(reply(FleetReply(), to: &member)) == [false])
  }

  @Test func `a call waits while its claim is asked for once more`() throws {
    var member = working()
    member.reject(SharedResult(key: Self.key, stamp: 1, content: nil))
    let mayCall = member.mark(Self.job, Self.key, now: clock.now)
    #expect(!mayCall)
    let asked = try #require(batch(member.takeActions()))
    #expect(asked.claims.map(\.key) == [Self.key] && asked.marks == [Self.key])
    var granted = Self.granted
    granted.marked = [Self.key]
    #expect(marks(reply(granted, to: &member)) == [true])
  }

  @Test func `a database that does not answer costs a second, once`() {
    var member = joined()
    _ = member.claim(Self.key, isCalled: true, since: .min, now: clock.now)
    _ = member.takeActions()
    clock.advance(by: .milliseconds(1001))
    member.timePassed(now: clock.now)
    let alone = answers(member.takeActions())
    #expect(alone == [.alone])
    let other = FleetKey(certificateID: CertificateID(words: (2, 0, 0, 0)), target: Self.key.target)
    let token = member.claim(other, isCalled: true, since: .min, now: clock.now)
    let leave = member.begin(Self.job, other, since: .min, now: clock.now)
    let mayCall = member.mark(Self.job, other, now: clock.now)
    let isSafe = member.secure(Self.job, other, now: clock.now)
    #expect(token == nil && leave == .granted && mayCall && isSafe)
  }

  @Test func `a question that came later waits no longer than the first`() {
    var member = joined()
    _ = member.claim(Self.key, isCalled: true, since: .min, now: clock.now)
    clock.advance(by: .milliseconds(900))
    let other = FleetKey(certificateID: CertificateID(words: (2, 0, 0, 0)), target: Self.key.target)
    _ = member.claim(other, isCalled: true, since: .min, now: clock.now)
    let isSafe = member.secure(Self.job, Self.key, now: clock.now)
    _ = member.takeActions()
    #expect(!isSafe && member.nextDeadline(now: clock.now.monotonic) <= clock.now.monotonic + .milliseconds(100))
    clock.advance(by: .milliseconds(101))
    member.timePassed(now: clock.now)
    let actions = member.takeActions()
    let safe = actions.compactMap { if case .safe(let sequence) = $0 { sequence } else { nil } }
    #expect(answers(actions) == [.alone, .alone] && safe == [7])
  }

  @Test func `a caller hears that a job is safe when the database has it, or after a second`() {
    var member = joined()
    let first = member.secure(Self.job, Self.key, now: clock.now)
    #expect(!first)
    let sent = batch(member.takeActions())
    #expect(sent?.copies.map(\.sequence) == [7])
    member.filled(sent ?? FleetBatch())
    let safe = reply(FleetReply(), to: &member).compactMap {
      if case .safe(let sequence) = $0 { sequence } else { nil }
    }
    #expect(safe == [7] && member.standing(of: Self.job, Self.key).isShared)
    var next = Self.job
    next.sequence = 8
    let second = member.secure(next, Self.key, now: clock.now)
    #expect(!second)
    clock.advance(by: .milliseconds(1001))
    member.timePassed(now: clock.now)
    let late = member.takeActions().compactMap { if case .safe(let sequence) = $0 { sequence } else { nil } }
    #expect(late == [8] && !member.standing(of: JobID(key: Self.job.key, sequence: 8), Self.key).isShared)
  }

  @Test func `an exchange whose answer is lost is repeated`() {
    var member = joined()
    member.tell(Self.key, stamp: 3)
    _ = member.claim(Self.key, isCalled: true, since: .min, now: clock.now)
    let first = batch(member.takeActions())
    #expect(first?.results.map(\.stamp) == [3])
    member.failed(FleetProblem(.unreachable, "reset"), now: clock.now)
    clock.advance(by: .milliseconds(10))
    member.timePassed(now: clock.now)
    member.joined(welcome(sent: first?.firstNumber ?? 0), now: clock.now)
    let second = batch(member.takeActions())
    #expect(second?.results.map(\.stamp) == [3] && second?.claims.map(\.key) == [Self.key])
    #expect((second?.firstNumber ?? 0) > (first?.firstNumber ?? 0))
  }

  @Test(arguments: [("f", Int64(4), Int64?(4)), ("g", Int64(0), Int64?(0)), ("f", Int64(9), nil)])
  func `a database that lacks what it had is told again`(id: String, sent: Int64, after: Int64?) {
    var member = member(sent: 9)
    member.start(sentNumber: 9, firstSequence: 1, now: clock.now)
    _ = member.takeActions()
    member.joined(welcome(sent: sent, id: id), now: clock.now)
    let again = member.takeActions().compactMap { if case .tellAgain(let number) = $0 { number } else { nil } }
    #expect(again.first == after)
    #expect(member.sentNumber >= 9)
  }

  @Test func `a number that this member may have used before never comes again`() throws {
    var member = joined(sent: 5)
    member.tell(Self.key, stamp: 3)
    member.timePassed(now: clock.now)
    let first = try #require(batch(member.takeActions()))
    #expect(first.firstNumber > clock.now.wall.microsecondsSinceEpoch)
    // The next process finds no note of it, and a database that was restored has none of it either.
    clock.advance(by: .seconds(1))
    var next = joined(sent: 5)
    next.tell(Self.key, stamp: 4)
    next.timePassed(now: clock.now)
    #expect(try #require(batch(next.takeActions())).firstNumber > first.firstNumber)
  }

  @Test func `a return to a database that lacks nothing tells nothing again`() {
    var member = joined(sent: 5)
    member.failed(FleetProblem(.unreachable, "reset"), now: clock.now)
    _ = member.takeActions()
    member.joined(welcome(sent: 5), now: clock.now)
    let isToldAgain = member.takeActions().contains { if case .tellAgain = $0 { true } else { false } }
    #expect(!isToldAgain)
  }

  /// When the database last had a full exchange of a member, by what it says at a return.
  struct Heard: Sendable, CustomTestStringConvertible {
    var testDescription: String
    var microsecondsAfterNews: Int64?
    var isInNextProcess = false
    /// Numbers above this one are told again; `nil`: none.
    var toldAfter: Int64?
  }

  @Test(arguments: [
    Heard(testDescription: "in the exchange that brought the news", microsecondsAfterNews: 0, toldAfter: nil),
    Heard(testDescription: "before it", microsecondsAfterNews: -1, toldAfter: 5),
    Heard(
      testDescription: "before it, another process", microsecondsAfterNews: -1, isInNextProcess: true, toldAfter: 5),
    Heard(testDescription: "never", microsecondsAfterNews: nil, toldAfter: 0),
  ])
  func `news that the database has lost are told again, whatever their teller says`(heard: Heard) {
    var member = joined(sent: 5)
    clock.advance(by: .milliseconds(300))
    member.timePassed(now: clock.now)
    var news = FleetReply()
    news.time = clock.now.wall.microsecondsSinceEpoch
    news.feed = [(member: "m2", number: 9, result: result(stamp: 8))]
    reply(news, to: &member)
    // Its later exchanges bring none.
    clock.advance(by: .milliseconds(300))
    member.timePassed(now: clock.now)
    var quiet = FleetReply()
    quiet.time = clock.now.wall.microsecondsSinceEpoch
    reply(quiet, to: &member)
    if heard.isInNextProcess {
      member = FleetMember(
        name: "m1",
        progress: FleetProgress(fleetID: "f", sentNumber: 5, positions: member.positions, newsAt: member.newsAt),
        seed: 1, now: clock.now)
      member.start(sentNumber: 5, firstSequence: 7, now: clock.now)
    } else {
      member.failed(FleetProblem(.unreachable, "reset"), now: clock.now)
    }
    _ = member.takeActions()
    member.joined(welcome(sent: 5, heard: heard.microsecondsAfterNews.map { news.time + $0 } ?? 0), now: clock.now)
    let again = member.takeActions().compactMap { if case .tellAgain(let number) = $0 { number } else { nil } }
    #expect(again.first == heard.toldAfter)
  }

  @Test func `news that cannot be a result stand in the way of none that follow`() {
    var member = joined(sent: 5)
    clock.advance(by: .milliseconds(300))
    member.timePassed(now: clock.now)
    _ = member.takeActions()
    var news = FleetReply()
    news.time = clock.now.wall.microsecondsSinceEpoch
    news.feed = [
      (member: "m2", number: 9, result: nil), (member: "m3", number: 10, result: result(stamp: 8)),
      (member: "m2", number: 11, result: nil),
    ]
    news.members = ["m2", "m3"].map { name in
      FleetReply.Member(
        name: name, sent: 20, queued: 0, heardOfSecondsAgo: 0, isGone: false, targets: [], joined: 0)
    }
    let actions = reply(news, to: &member)
    #expect(member.positions == ["m2": 11, "m3": 10])
    let adopted = actions.compactMap { if case .adopt(let result, _) = $0 { result.stamp } else { nil } }
    #expect(adopted == [8])
  }

  /// What becomes of a row that the database has under this member's name and no job of it needs.
  struct LeftRow: Sendable, CustomTestStringConvertible {
    var testDescription: String
    var sequence: Int64
    var isSameState = true
    var isTakenOver: Bool
  }

  @Test(arguments: [
    LeftRow(testDescription: "of a job that ended", sequence: 3, isTakenOver: false),
    LeftRow(testDescription: "taken over from another member", sequence: -3, isTakenOver: true),
    LeftRow(testDescription: "of a lost state", sequence: 3, isSameState: false, isTakenOver: true),
  ])
  func `only rows of jobs that did not end are carried out again`(row: LeftRow) throws {
    var member = member()
    member.start(sentNumber: 0, firstSequence: 7, now: clock.now)
    _ = member.takeActions()
    let left = FleetReply.Row(id: 40, sequence: row.sequence, key: Self.key, request: [1])
    member.joined(welcome(isSameState: row.isSameState, rows: [left]), now: clock.now)
    let sent = try #require(batch(member.takeActions()))
    #expect(sent.fetchedRows == (row.isTakenOver ? [40] : []))
    #expect(sent.endedRows == (row.isTakenOver ? [] : [40]))
  }

  @Test func `only the first entry tells where the numbers of this process begin`() {
    var member = member()
    let first = { (actions: [FleetMember.Action]) in
      actions.compactMap { if case .join(_, let ownSequences) = $0 { ownSequences } else { nil } }
    }
    member.start(sentNumber: 0, firstSequence: 7, now: clock.now)
    #expect(first(member.takeActions()) == [7])
    member.failed(FleetProblem(.unreachable, "reset"), now: clock.now)
    clock.advance(by: .seconds(60))
    member.timePassed(now: clock.now)
    #expect(first(member.takeActions()) == [7])
    member.joined(welcome(), now: clock.now)
    member.failed(FleetProblem(.unreachable, "reset"), now: clock.now)
    clock.advance(by: .seconds(60))
    member.timePassed(now: clock.now)
    #expect(first(member.takeActions()) == [.max])
  }

  /// Begins an exchange that takes over what others left.
  private func askForRows(_ member: inout FleetMember) throws {
    clock.advance(by: .milliseconds(300))
    member.timePassed(now: clock.now)
    var asked = try #require(batch(member.takeActions()))
    asked.takesOver = true
    member.filled(asked)
  }

  @Test func `no more rows are taken than were asked for, and each once`() throws {
    var member = joined()
    var answer = FleetReply()
    answer.taken = (1...1000 as ClosedRange<Int64>).flatMap { id in
      let row = FleetReply.Row(id: id, sequence: -id, key: Self.key, request: [1])
      return [row, row]
    }
    let taken = { (actions: [FleetMember.Action]) in
      actions.compactMap { if case .takeOver(let row) = $0 { row.id } else { nil } }
    }
    clock.advance(by: .milliseconds(300))
    member.timePassed(now: clock.now)
    #expect(taken(reply(answer, to: &member)) == [])
    try askForRows(&member)
    #expect(taken(reply(answer, to: &member)) == Array(1...Int64(FleetBatch.mostTakenOver)))
    // Those are under way.
    try askForRows(&member)
    #expect(taken(reply(answer, to: &member)) == Array(21...40))
    // One that was left out is found at the next join.
    member.failed(FleetProblem(.unreachable, "reset"), now: clock.now)
    _ = member.takeActions()
    member.joined(welcome(rows: Array(answer.taken.suffix(1))), now: clock.now)
    #expect(try #require(batch(member.takeActions())).fetchedRows == [1000])
    #expect(taken(reply(answer, to: &member)) == [1000])
  }

  @Test(arguments: ["f", "g"])
  func `rows that the database lost are not ended, since their numbers come again`(id: String) throws {
    var member = joined()
    let row = FleetReply.Row(id: 40, sequence: -40, key: Self.key, request: [1])
    let later = FleetReply.Row(id: 41, sequence: -41, key: Self.key, request: [1])
    var taken = FleetReply()
    taken.taken = [row, later]
    try askForRows(&member)
    reply(taken, to: &member)
    member.took(row.id)
    member.failed(FleetProblem(.unreachable, "reset"), now: clock.now)
    _ = member.takeActions()
    member.joined(welcome(id: id), now: clock.now)
    member.took(later.id)
    let first = try #require(batch(member.takeActions()))
    let second = batch(reply(FleetReply(), to: &member))
    #expect(first.endedRows == [] && second?.endedRows ?? [] == [])
  }

  @Test func `a job that ends while the database is away is not carried out again`() throws {
    var member = joined()
    _ = member.begin(Self.job, Self.key, since: .min, now: clock.now)
    member.timePassed(now: clock.now)
    let copied = try #require(batch(member.takeActions()))
    #expect(copied.copies.map(\.sequence) == [7])
    var granted = FleetReply()
    granted.granted = [Self.key: false]
    reply(granted, to: &member)
    member.failed(FleetProblem(.unreachable, "reset"), now: clock.now)
    member.end(Self.job, Self.key)
    _ = member.takeActions()
    let left = FleetReply.Row(id: 40, sequence: 7, key: Self.key, request: [1])
    member.joined(welcome(rows: [left], claims: [Self.key]), now: clock.now)
    let actions = member.takeActions()
    let sent = try #require(batch(actions))
    #expect(sent.fetchedRows.isEmpty && sent.endedRows == [40])
    #expect(sent.endedCopies == [7] && sent.releases == [Self.key])
  }

  @Test func `each job that waits for others is asked about in turn`() {
    var member = joined()
    let keys = (0..<1200).map {
      FleetKey(certificateID: CertificateID(words: (UInt64($0), 0, 0, 0)), target: Self.target)
    }
    for (index, key) in keys.enumerated() {
      let job = JobID(
        key: RegistrationKey(certificateID: key.certificateID, target: TargetName("default")),
        sequence: Int64(10 + index))
      _ = member.begin(job, key, since: .min, now: clock.now)
    }
    var held = FleetReply()
    held.holders = Dictionary(keys.map { ($0, "m2") }) { first, _ in first }
    for _ in 0..<5 {
      clock.advance(by: FleetMember.busyPause)
      member.timePassed(now: clock.now)
      reply(held, to: &member)
    }
    #expect(member.work.keys(in: .held).count == keys.count)
    var asked: Set<FleetKey> = []
    for _ in 0..<5 {
      clock.advance(by: .milliseconds(300))
      member.timePassed(now: clock.now)
      asked.formUnion(batch(member.takeActions())?.claims.map(\.key) ?? [])
      reply(held, to: &member)
    }
    #expect(asked == Set(keys))
  }

  @Test func `claims that no job needs are given up at a return`() {
    var member = member()
    member.start(sentNumber: 0, firstSequence: 1, now: clock.now)
    member.joined(welcome(claims: [Self.key]), now: clock.now)
    let last = batch(member.takeActions())
    #expect(last?.leftClaims == [Self.key])
  }

  @Test func `stamps rise, also where the clock falls`() {
    var member = member()
    let first = member.stamp(clock.now.wall)
    let second = member.stamp(clock.now.wall + .seconds(-3600))
    #expect(second > first)
  }

  @Test func `shares of a rate go to those with work, equally, and what one does not need to the others`() {
    #expect(FleetLane.share(of: 0, wants: [0, 0], rate: 10) == 0.5)
    #expect(FleetLane.share(of: 0, wants: [99, 0], rate: 10) == 1)
    #expect(FleetLane.share(of: 1, wants: [99, 0], rate: 10) == 0)
    #expect(FleetLane.share(of: 0, wants: [99, 99], rate: 10) == 0.5)
    #expect(FleetLane.share(of: 0, wants: [99, 2], rate: 10) == 0.8)
    #expect(FleetLane.share(of: 1, wants: [99, 2], rate: 10) == 0.2)
    var random = SplitMix64.announced("shares")
    for _ in 0..<500 {
      let wants = (0..<Int(1 + random.next() % 9)).map { _ in Double(random.next() % 30) }
      let shares = wants.indices.map { FleetLane.share(of: $0, wants: wants, rate: 20) }
      #expect(shares.reduce(0, +) <= 1 + 1e-9 && shares.allSatisfy { (0...1).contains($0) }, "\(wants) \(shares)")
    }
  }

  @Test func `a job ends under the key that it began with`() {
    var member = working()
    // A reload moves the target.
    let moved = FleetKey(certificateID: Self.key.certificateID, target: "default sandbox s")
    let mayCall = member.mark(Self.job, moved, now: clock.now)
    #expect(!mayCall)
    let marks = batch(member.takeActions())?.marks
    #expect(marks == [Self.key])
    var marked = FleetReply()
    marked.marked = [Self.key]
    reply(marked, to: &member)
    reply(FleetReply(), to: &member)
    member.end(Self.job, moved)
    member.timePassed(now: clock.now)
    let releases = batch(member.takeActions())?.releases
    #expect(releases == [Self.key])
  }
}
