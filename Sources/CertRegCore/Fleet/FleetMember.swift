/// What one member of a fleet does about the others: which certificates it may work on, what it tells them, what it takes
/// over from those that are gone, and its part of the account's rate. A state machine without effects.
///
/// Events are methods; they put ``Action``s into ``takeActions()``. The database is asked by one exchange at a time: what
/// comes up meanwhile goes into the next one. Whatever it does not answer within a second is decided without it.
package struct FleetMember: Sendable {
  /// Tells questions apart.
  package typealias Token = UInt64

  /// The answer to a question.
  package enum Answer: Sendable, Equatable {
    /// This member may work on the certificate. `earlierCall`: another one may have made the call and died.
    case granted(earlierCall: Bool)
    /// The fleet has the result.
    case known(SharedResult)
    /// Another member works on it.
    case held
    /// What is known, and who works on it.
    case found(SharedResult?, holder: String?)
    case removed
    /// The fleet has no such member.
    case notFound
    /// The database was not asked.
    case alone
  }

  /// An effect for the caller to carry out, in order.
  package enum Action: Sendable {
    /// Connect, where there is no connection, and enter the fleet. Ends as ``joined(_:now:)`` or ``failed(_:now:)``.
    case join(sent: Int64)
    /// Exchange the batch. Ends as ``replied(_:now:)`` or ``failed(_:now:)``.
    case exchange(FleetBatch)
    case answer(Token, Answer)
    /// An answer to a job that was waiting.
    case coordinated(JobID, Coordination.Answer?, SharedResult?)
    /// The call of a job may begin, or not before it is coordinated again.
    case marked(JobID, Bool)
    /// A caller may be told that the job is safe.
    case safe(Int64)
    /// Another member's result is newer than what this one may have.
    case adopt(SharedResult)
    /// The database has a result under a number.
    case sent(FleetKey, stamp: Int64, number: Int64)
    /// A registration that another member left behind.
    case takeOver(FleetReply.Row)
    case pace(FleetLane.ID, PaceOrder)
    /// Everything that this member knows has to be told again, from this number on.
    case tellAgain(after: Int64, fleetID: String)
    /// The member joined, or is alone; for the log.
    case stateChanged
  }

  /// A member's part of a lane.
  package struct PaceOrder: Sendable, Equatable {
    /// Of the rate, 0...1; `nil`: all.
    package var share: Double?
    /// Whose turn it is to try more than the rate.
    package var probing: PaceShare.Probing
    /// A rate that others have learnt; `nil`: the own one counts.
    package var learnt: FleetLane.Rate?
    /// Whether others were throttled since the order before.
    package var othersAreThrottled: Bool
  }

  /// What the member knows of a certificate that it has to do with.
  struct Work: Sendable {
    enum Standing: Sendable, Equatable {
      /// The database has not answered yet.
      case asked
      case held(by: String)
      /// `isShared`: the database knows.
      case granted(isShared: Bool)
    }

    var standing: Standing
    var jobs: [JobID] = []
    /// Whether another member may have made the call and died.
    var earlierCall = false
    /// Results that came before it do not count.
    var since: Int64
  }

  struct Question: Sendable {
    enum Kind: Sendable {
      case claim(FleetBatch.Claim, since: Int64)
      case find(FleetKey)
      case mark(FleetKey, JobID)
      case remove(String)
    }

    var kind: Kind
    var deadline: MonotonicTime
    var isSent = false
  }

  struct Copied: Sendable {
    var key: FleetKey
    var isThere = false
    var isSent = false
    /// Until when a caller waits for it; `nil`: nobody does.
    var deadline: MonotonicTime?
  }

  enum Link: Sendable, Equatable {
    case down(retryAt: MonotonicTime)
    case joining
    case joined
  }

  /// A request waits for the database at most this long.
  static let patience = Duration.seconds(1)
  /// Jobs that wait for other members go on without the database after this time.
  static let patienceOfJobs = Duration.milliseconds(1500)
  static let tick = Duration.milliseconds(250)
  static let mostOfAKind = 500

  let name: String
  let takeover: Duration
  var link: Link
  private(set) var problem: FleetProblem?
  /// When `link` was joined for the last time, or the start.
  var reachedAt: MonotonicTime
  private(set) var since: WallTime
  private var failures = 0
  var inFlight: (batch: FleetBatch, at: MonotonicTime)?
  private(set) var tickedAt: MonotonicTime?
  private var cleanedAt: MonotonicTime?
  var isHasty = false
  var work: [FleetKey: Work] = [:]
  var questions: [Token: Question] = [:]
  private var nextToken: Token = 1
  var copies: [Int64: Copied] = [:]
  var endedCopies: [Int64] = []
  var endedRows: [Int64] = []
  var releases: Set<FleetKey> = []
  /// Results to tell, with their stamps.
  var dirty: [FleetKey: Int64] = [:]
  var sentNumber: Int64
  package internal(set) var positions: [String: Int64] = [:]
  var members: [FleetReply.Member] = []
  var membersAt: MonotonicTime
  /// The database's content at the last exchange; `nil`: there was none.
  package private(set) var fleetID: String?
  var lanes: [FleetLane.ID: FleetLane.State] = [:]
  /// What the database's clock is ahead of this host's.
  package internal(set) var offsetMicroseconds: Int64 = 0
  private var lastStamp: Int64 = 0
  private var random: SplitMix64
  var actions: [Action] = []

  /// - Parameters:
  ///   - name: The member's name.
  ///   - takeover: The silence after which the others take its work over.
  ///   - sentNumber: The highest number of a result that the database ever had of it.
  ///   - fleetID: The database's content at that time; `nil`: not known.
  ///   - positions: Up to where the results of others are known.
  ///   - seed: Spreads attempts to connect.
  ///   - now: The time of the start.
  package init(
    name: String, takeover: Duration, sentNumber: Int64, fleetID: String?, positions: [String: Int64], seed: UInt64,
    now: Moment
  ) {
    self.name = name
    self.takeover = takeover
    self.sentNumber = sentNumber
    self.fleetID = fleetID
    self.positions = positions
    random = SplitMix64(seed: seed)
    link = .down(retryAt: now.monotonic)
    reachedAt = now.monotonic
    membersAt = now.monotonic
    since = now.wall
  }

  /// Begins.
  ///
  /// - Parameters:
  ///   - sentNumber: The highest number of a result that the database ever had of this member.
  ///   - now: The time of the event.
  package mutating func start(sentNumber: Int64, now: Moment) {
    self.sentNumber = max(self.sentNumber, sentNumber)
    link = .down(retryAt: now.monotonic)
    reachedAt = now.monotonic
    timePassed(now: now)
  }

  /// How many results have to be told.
  package var untold: Int { dirty.count }

  /// The effects of the events so far, which are handed out once.
  package mutating func takeActions() -> [Action] {
    defer { actions = [] }
    return actions
  }

  // MARK: Time

  /// A stamp for something that happens now, above all that were given before.
  package mutating func stamp(_ now: WallTime) -> Int64 {
    lastStamp = max(lastStamp &+ 1, now.microsecondsSinceEpoch &+ offsetMicroseconds)
    return lastStamp
  }

  func learnTime(_ time: Int64, now: WallTime) -> Int64 {
    time &- now.microsecondsSinceEpoch
  }

  /// Whether a question may wait for the database.
  func isReachable(_ now: MonotonicTime) -> Bool {
    if let inFlight, now - inFlight.at > Self.patience { return false }
    if case .joined = link { return true }
    return now - reachedAt < Self.patience
  }

  /// Whether this member is one of the fleet at present.
  package var isJoined: Bool { link == .joined }

  /// The time of the next call of ``timePassed(now:)``.
  package func nextDeadline(now: MonotonicTime) -> MonotonicTime {
    var next = now + .seconds(1)
    switch link {
    case .down(let retryAt): next = min(next, retryAt)
    case .joined where inFlight == nil: next = min(next, (tickedAt ?? now) + tickPause)
    case .joined, .joining: break
    }
    for question in questions.values { next = min(next, question.deadline) }
    for copy in copies.values { if let deadline = copy.deadline { next = min(next, deadline) } }
    if link != .joined, work.values.contains(where: { $0.isWaiting }) {
      next = min(next, max(now + .milliseconds(10), reachedAt + Self.patienceOfJobs))
    }
    return next
  }

  /// Large fleets exchange less often, so that the database's work does not grow with the square of their size.
  var tickPause: Duration {
    let count = members.count
    // While a rate climbs, the others have to hear of the first throttle soon.
    if count <= 20, lanes.values.contains(where: { $0.rate.climbingFrom != nil }) { return Self.tick * 2 / 5 }
    return count <= 10 ? Self.tick : min(.milliseconds(900), .milliseconds(25 * Int64(count)))
  }

  /// The time of ``nextDeadline(now:)`` has come. Calls at other times do no harm.
  package mutating func timePassed(now: Moment) {
    let time = now.monotonic
    for (token, question) in questions where question.deadline <= time {
      questions[token] = nil
      switch question.kind {
      case .mark(_, let job): actions.append(.marked(job, true))
      case .claim(let claim, _):
        grantAlone(claim.key)
        actions.append(.answer(token, .alone))
      case .find, .remove: actions.append(.answer(token, .alone))
      }
    }
    for (sequence, copy) in copies where copy.deadline.map({ $0 <= time }) ?? false {
      copies[sequence]?.deadline = nil
      actions.append(.safe(sequence))
    }
    if link != .joined, time - reachedAt >= Self.patienceOfJobs {
      for (key, work) in work where work.isWaiting { goOnAlone(key, work) }
    }
    if case .down(let retryAt) = link, retryAt <= time, inFlight == nil {
      link = .joining
      actions.append(.join(sent: sentNumber))
    }
    exchange(now: now)
  }

  /// A waiting job begins although another member may be at work on its certificate.
  private mutating func goOnAlone(_ key: FleetKey, _ waiting: Work) {
    work[key]?.standing = .granted(isShared: false)
    for job in waiting.jobs { actions.append(.coordinated(job, .granted(earlierCall: false), nil)) }
  }

  private mutating func grantAlone(_ key: FleetKey) {
    if work[key] == nil { work[key] = Work(standing: .granted(isShared: false), since: .min) }
    if work[key]?.isWaiting == true, let waiting = work[key] { goOnAlone(key, waiting) }
  }

  // MARK: The link

  /// The member entered the fleet.
  package mutating func joined(_ welcome: FleetWelcome, now: Moment) {
    offsetMicroseconds = learnTime(welcome.time, now: now.wall)
    let isNew = welcome.fleetID != fleetID
    if isNew || welcome.sent < sentNumber {
      // The database lacks what it once had: it was emptied, restored, or replaced by one that lagged behind.
      actions.append(.tellAgain(after: isNew ? 0 : welcome.sent, fleetID: welcome.fleetID))
    }
    if isNew { positions = [:] }
    fleetID = welcome.fleetID
    sentNumber = max(sentNumber, welcome.sent)
    link = .joined
    problem = nil
    failures = 0
    tickedAt = nil
    since = now.wall
    reachedAt = now.monotonic
    let claims = Set(welcome.claims)
    for (key, work) in work {
      switch work.standing {
      case .granted where !claims.contains(key): self.work[key]?.standing = .granted(isShared: false)
      case .granted: self.work[key]?.standing = .granted(isShared: true)
      case .held, .asked: self.work[key]?.standing = .asked
      }
    }
    for key in claims where work[key] == nil { releases.insert(key) }
    reconcile(welcome.rows)
    for token in questions.keys { questions[token]?.isSent = false }
    actions.append(.stateChanged)
    exchange(now: now)
  }

  /// Compares the copies that the database has with the registrations of this member.
  private mutating func reconcile(_ rows: [FleetReply.Row]) {
    let there = Dictionary(rows.map { ($0.sequence, $0) }) { first, _ in first }
    for (sequence, copy) in copies {
      copies[sequence]?.isThere = there[sequence]?.key == copy.key
      copies[sequence]?.isSent = false
    }
    for row in rows where copies[row.sequence]?.key != row.key {
      // A crash came between the end and its removal, or the member has lost its state.
      actions.append(.takeOver(row))
    }
  }

  /// The database cannot be used.
  package mutating func failed(_ problem: FleetProblem, now: Moment) {
    let wasJoined = link == .joined
    let wasOld = self.problem?.reason == problem.reason
    self.problem = problem
    failures += 1
    if wasJoined {
      since = now.wall
      failures = 1
      rest(now: now)
    }
    if let inFlight { takeBack(inFlight.batch) }
    inFlight = nil
    let spread = Duration.milliseconds(Int64(random.next() % 100))
    let pause =
      failures <= 1 ? Duration.milliseconds(5) : min(.milliseconds(100 * Int64(failures)), .seconds(1)) + spread
    link = .down(retryAt: now.monotonic + pause)
    if wasJoined || !wasOld { actions.append(.stateChanged) }
    timePassed(now: now)
  }

  /// What was on its way goes with the next exchange.
  private mutating func takeBack(_ batch: FleetBatch) {
    for token in questions.keys { questions[token]?.isSent = false }
    for sequence in copies.keys { copies[sequence]?.isSent = false }
    for result in batch.results where dirty[result.key] ?? .min < result.stamp { dirty[result.key] = result.stamp }
    releases.formUnion(batch.releases.filter { work[$0] == nil })
    endedCopies += batch.endedCopies
    endedRows += batch.endedRows
  }

  mutating func noteTicked(_ now: MonotonicTime) { tickedAt = now }

  /// Whether old rows have to be looked for: once an hour.
  mutating func cleans(now: MonotonicTime) -> Bool {
    if let cleanedAt, now - cleanedAt < .seconds(3600) { return false }
    cleanedAt = now
    return true
  }

  mutating func ask(_ kind: Question.Kind, now: MonotonicTime) -> Token {
    let token = nextToken
    nextToken += 1
    questions[token] = Question(kind: kind, deadline: now + Self.patience)
    return token
  }

  /// Notes that the database lost this member, which has to join again.
  mutating func leave(now: Moment) {
    link = .down(retryAt: now.monotonic)
    actions.append(.stateChanged)
  }

  /// The state for `status`.
  package var present: (since: WallTime, problem: FleetProblem?, members: [FleetReply.Member], at: MonotonicTime) {
    (since, problem, members, membersAt)
  }
}

extension FleetMember.Work {
  /// Whether its jobs wait for the fleet.
  var isWaiting: Bool {
    switch standing {
    case .asked, .held: !jobs.isEmpty
    case .granted: false
    }
  }
}
