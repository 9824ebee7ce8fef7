import CertRegCore
import CertRegFleet
import CertRegHost
import CertRegStore
import Logging
import NIOCore

/// Runs this host's part of a fleet: feeds the member's machine with events and carries out what it decides. It is touched on
/// the engine's event loop alone.
final class FleetLoop {
  /// What the loop is made of.
  struct Parts: Sendable {
    var identity: FleetIdentity
    var location: FleetLocation
    /// Host and database, for people.
    var database: String
    var directory: String
    var file: FleetFile
    var store: any RegistrationStore
    var known: KnownResults
    var clock: HostClock
    var workers: WorkQueue
    var activity: Activity
    var logger: Logger
  }

  /// Calls a second that a host wants for a job that waits: it would like it to end at once, and more may follow.
  private static let callsOfJob = 10.0
  private static let fileInterval = Duration.seconds(10)

  let parts: Parts
  private let loop: any EventLoop
  private let link: FleetLink
  var member: FleetMember
  private var engine: EngineLoop?
  private var answers: [FleetMember.Token: (FleetMember.Answer) -> Void] = [:]
  private(set) var shares: [FleetLane.ID: PaceShare] = [:]
  /// What is told next, or is being told.
  private var news: [FleetKey: FleetNews] = [:]
  /// Results of others on their way to the disk, with their stamps.
  private var adopting: [FleetKey: Int64] = [:]
  private var retelling: FleetRetelling?
  private var timer: Scheduled<Void>?
  private var isScheduled = false
  private var isStarted = false
  private var wants: [FleetLane.ID: Double] = [:]
  private var writtenFile: FleetFile
  private var writtenAt: MonotonicTime
  private var problemsSaid: Set<String> = []

  init(loop: any EventLoop, _ parts: Parts) {
    self.loop = loop
    self.parts = parts
    link = FleetLink(parts.location, parts.identity)
    member = FleetMember(
      name: parts.identity.name, takeover: parts.identity.takeover, sentNumber: 0, fleetID: parts.file.fleetID,
      positions: parts.file.positions, seed: .random(in: .min ... .max), now: parts.clock.now)
    writtenFile = parts.file
    writtenAt = parts.clock.monotonic
  }

  /// Names the engine, and begins.
  func attach(_ engine: EngineLoop) {
    self.engine = engine
    let bound = NIOLoopBound(self, eventLoop: loop)
    parts.workers.submit { [loop, store = parts.store] in
      let highest = FleetRetelling.highestNumber(in: store)
      loop.execute { bound.value.begin(sentNumber: highest) }
    }
  }

  private func begin(sentNumber: Int64) {
    member.start(sentNumber: sentNumber, now: parts.clock.now)
    isStarted = true
    retelling = FleetRetelling(.untold)
    schedule()
  }

  /// Ends the exchange, and keeps what the next process needs.
  func close() {
    isStarted = false
    timer?.cancel()
    link.close()
    writeFile()
    engine = nil
  }

  // MARK: Keys

  /// The certificate as all members name it; `nil`: nobody has said yet where the target's upstream is.
  func fleetKey(_ key: RegistrationKey) -> FleetKey? {
    guard let location = parts.known.home(of: key.target).location else { return nil }
    return FleetKey(
      certificateID: key.certificateID, target: FleetTarget(name: key.target, location: location).text)
  }

  /// The certificate as this host names it; `nil`: this host has no such target, or it points elsewhere.
  func ownKey(_ key: FleetKey) -> RegistrationKey? {
    guard let target = FleetTarget(text: key.target), parts.known.home(of: target.name).location == target.location
    else {
      return nil
    }
    return RegistrationKey(certificateID: key.certificateID, target: target.name)
  }

  // MARK: The registrar's questions

  /// Whether this host may work on a job: see ``Coordinator``.
  func askLeave(for pending: PendingRegistration, isPromised: Bool) -> Coordination.Leave {
    guard let key = fleetKey(pending.key) else { return .granted }
    let now = parts.clock.now
    if isPromised { member.resume(pending.id, key) }
    defer { schedule() }
    return member.begin(pending.id, key, since: since(of: pending), now: now)
  }

  /// Only a later result ends a job that was asked for although one was known.
  private func since(of pending: PendingRegistration) -> Int64 {
    guard pending.purpose.registers else { return .max }
    guard pending.facts.earlier != nil || pending.facts.registered != nil else { return .min }
    return pending.enqueuedAt.microsecondsSinceEpoch &+ member.offsetMicroseconds
  }

  func mayCall(_ pending: PendingRegistration) -> Bool {
    guard let key = fleetKey(pending.key) else { return true }
    defer { schedule() }
    return member.mark(pending.id, key, now: parts.clock.now)
  }

  func isSafe(_ pending: PendingRegistration) -> Bool {
    guard let key = fleetKey(pending.key) else { return true }
    defer { schedule() }
    return member.secure(pending.id, key, now: parts.clock.now)
  }

  func ended(_ id: JobID) {
    guard let key = fleetKey(id.key) else { return }
    member.end(id, key, now: parts.clock.now)
    schedule()
  }

  // MARK: The engine's questions

  /// Asks the fleet before a registration begins; `answer` is called later. Returns whether it is.
  func claim(
    _ key: RegistrationKey, since: Int64, isCalled: Bool, answer: @escaping (FleetMember.Answer) -> Void
  ) -> Bool {
    guard let fleetKey = fleetKey(key) else { return false }
    let token = member.claim(fleetKey, isCalled: isCalled, since: since, now: parts.clock.now)
    schedule()
    guard let token else { return false }
    answers[token] = answer
    return true
  }

  /// Gives up a claim for which no job came.
  func giveUp(_ key: RegistrationKey) {
    guard let key = fleetKey(key) else { return }
    member.giveUp(key)
    schedule()
  }

  /// A stamp for a request that is to ask the upstream anew.
  func stamp() -> Int64 { member.stamp(parts.clock.wall) }

  /// What the fleet knows of a certificate; `answer` is called once.
  func find(_ key: RegistrationKey, answer: @escaping (Registration?, _ holder: String?) -> Void) {
    guard let fleetKey = fleetKey(key), let token = member.find(fleetKey, now: parts.clock.now) else {
      return answer(nil, nil)
    }
    answers[token] = { [self] found in
      guard case .found(let result, let holder) = found else { return answer(nil, nil) }
      answer(result.flatMap(registration), holder)
    }
    schedule()
  }

  /// Takes a member for gone; `answer` gets what the database says.
  func remove(_ name: String, answer: @escaping (FleetMember.Answer) -> Void) {
    guard let token = member.remove(name, now: parts.clock.now) else { return answer(.alone) }
    answers[token] = answer
    schedule()
  }

  /// Who makes the call for a job of this host, and whether the database has a copy of it.
  func standing(of id: JobID) -> FleetStanding? {
    guard let key = fleetKey(id.key) else { return nil }
    let (member, isShared) = member.standing(of: key, sequence: id.sequence)
    return FleetStanding(member: member, isInFleet: isShared)
  }

  // MARK: Results

  /// The note that goes to disk with a result, or with its end. The fleet is told once it is there.
  ///
  /// - Parameters:
  ///   - key: The certificate.
  ///   - home: Where the result belongs.
  ///   - what: What there is to tell.
  func note(_ key: RegistrationKey, in home: ResultHome, _ what: FleetNews.What) -> StoreChange? {
    guard let location = home.location else { return nil }
    let shared = FleetKey(
      certificateID: key.certificateID, target: FleetTarget(name: home.target, location: location).text)
    let stamp = stamp()
    let stored = home.storedKey(key.certificateID)
    news[shared] = FleetNews(stored: stored, stamp: stamp, what: what)
    return .share(stored, FleetNote(stamp: stamp, isForgotten: what == .forgotten, number: 0))
  }

  /// A note is on disk.
  func noted(_ stored: RegistrationKey, _ note: FleetNote) {
    guard note.number == 0, let key = parts.known.fleetKey(storedAs: stored), news[key]?.stamp == note.stamp else {
      return
    }
    member.tell(key, stamp: note.stamp)
    schedule()
  }

  /// Another member's result as this host's; `nil`: it cannot be one.
  func registration(_ result: SharedResult) -> Registration? {
    guard let content = result.content, let key = ownKey(result.key),
      parts.known.home(of: key.target).mayHold(arn: content.certificateARN)
    else { return nil }
    return Registration(content, of: key)
  }

  // MARK: Running

  /// Carries out what the machine decided, behind the event under way.
  func schedule() {
    guard isStarted, !isScheduled else { return }
    isScheduled = true
    let bound = NIOLoopBound(self, eventLoop: loop)
    loop.execute {
      bound.value.isScheduled = false
      bound.value.carryOut()
    }
  }

  private func carryOut() {
    guard isStarted else { return }
    member.timePassed(now: parts.clock.now)
    var noted: [StoreChange] = []
    while case let actions = member.takeActions(), !actions.isEmpty {
      for action in actions { carryOut(action, &noted) }
    }
    if !noted.isEmpty { engine?.commit(noted) { _, _ in } }
    retellMore()
    let now = parts.clock.monotonic
    if now - writtenAt >= Self.fileInterval { writeFile() }
    wake(at: member.nextDeadline(now: now), now: now)
  }

  private func wake(at time: MonotonicTime, now: MonotonicTime) {
    timer?.cancel()
    let bound = NIOLoopBound(self, eventLoop: loop)
    timer = loop.scheduleTask(in: TimeAmount(max(.milliseconds(1), time - now))) { bound.value.carryOut() }
  }

  private func carryOut(_ action: FleetMember.Action, _ noted: inout [StoreChange]) {
    switch action {
    case .join(let sent):
      let bound = NIOLoopBound(self, eventLoop: loop)
      link.join(sent: sent) { [loop] result in loop.execute { bound.value.joined(result) } }
    case .exchange(let batch): exchange(batch)
    case .answer(let token, let answer): answers.removeValue(forKey: token)?(answer)
    case .coordinated(let id, let answer, let result): coordinated(id, answer, result)
    case .marked(let id, let isGranted): engine?.mayCall(id, isGranted)
    case .safe(let sequence): engine?.isSafe(sequence)
    case .adopt(let result): adopt(result)
    case .sent(let key, let stamp, let number):
      guard let told = news[key], told.stamp == stamp else { break }
      news[key] = nil
      noted.append(
        .share(told.stored, FleetNote(stamp: stamp, isForgotten: told.what == .forgotten, number: number)))
    case .takeOver(let row): takeOver(row)
    case .pace(let id, let order): pace(id, order)
    case .tellAgain(let number, _): retelling = FleetRetelling(.all(after: number))
    case .stateChanged: sayState()
    }
  }

  private func joined(_ result: Result<FleetWelcome, FleetProblem>) {
    let now = parts.clock.now
    switch result {
    case .success(let welcome): member.joined(welcome, now: now)
    case .failure(let problem): member.failed(problem, now: now)
    }
    schedule()
  }

  private func exchange(_ batch: FleetBatch) {
    var batch = batch
    for index in batch.copies.indices {
      batch.copies[index].request = engine?.pendingJob(batch.copies[index].sequence)?.record ?? []
    }
    batch.copies.removeAll { $0.request.isEmpty }
    var unread: [FleetKey: RegistrationKey] = [:]
    for index in batch.results.indices {
      let key = batch.results[index].key
      switch news[key]?.what {
      case .result(let registration): batch.results[index].content = SharedResult.Content(registration)
      case .onDisk: unread[key] = news[key]?.stored
      case .forgotten, nil: break
      }
    }
    if batch.isFull {
      batch.queued = engine?.pendingCount ?? 0
      let targets = engine?.targetNames ?? []
      batch.targets = targets.compactMap { name in
        parts.known.home(of: name).location.map { FleetTarget(name: name, location: $0).text }
      }
      batch.lanes = lanes(of: targets)
    }
    let bound = NIOLoopBound(self, eventLoop: loop)
    let filling = FleetFilling(store: parts.store, unread: unread)
    link.exchange(batch, fill: { filling.fill(&$0) }) { [loop] batch, result in
      loop.execute { bound.value.exchanged(batch, result) }
    }
  }

  private func exchanged(_ batch: FleetBatch, _ result: Result<FleetReply, FleetProblem>) {
    let now = parts.clock.now
    member.filled(batch)
    switch result {
    case .success(let reply): member.replied(reply, now: now)
    case .failure(let problem): member.failed(problem, now: now)
    }
    schedule()
  }

  private func coordinated(_ id: JobID, _ answer: Coordination.Answer?, _ result: SharedResult?) {
    if let answer { engine?.coordinated(id, answer) }
    guard let result else { return }
    if let registration = registration(result) {
      engine?.coordinated(id, .known(registration))
    } else {
      member.reject(result)
    }
  }

  // MARK: Pace

  private func lanes(of targets: [TargetName]) -> [FleetLane.Report] {
    var reports: [FleetLane.Report] = []
    for name in targets {
      guard let location = parts.known.home(of: name).location else { continue }
      let text = FleetTarget(name: name, location: location).text
      for pace in engine?.takePaces(of: name) ?? [] {
        let id = FleetLane.ID(target: text, operation: pace.operation.rawValue)
        guard pace.rate.callsPerSecond != nil || member.knowsLane(id) else { continue }
        // A caller that asks for one after the other has work also between two requests.
        let want = max(Double(pace.waiting) * Self.callsOfJob, (wants[id] ?? 0) * 0.6)
        wants[id] = want < 1 ? 0 : want
        reports.append(
          member.report(
            of: id, want: wants[id] ?? 0, rate: pace.rate, hasLearnt: pace.isNews, throttles: pace.throttles))
      }
    }
    return reports
  }

  private func pace(_ id: FleetLane.ID, _ order: FleetMember.PaceOrder) {
    guard let target = FleetTarget(text: id.target), let operation = UpstreamOperation(rawValue: id.operation) else {
      return
    }
    if order.learnt != nil || order.othersAreThrottled { engine?.learn(order, of: operation, target: target.name) }
    let share = order.share.map { PaceShare(part: $0, probing: order.probing) }
    guard shares[id] != share else { return }
    shares[id] = share
    engine?.shareChanged(of: target.name)
  }

  /// This host's share of an operation's rate; `nil`: all of it.
  func share(of operation: UpstreamOperation, target: TargetName) -> PaceShare? {
    guard let location = parts.known.home(of: target).location else { return nil }
    return shares[
      FleetLane.ID(target: FleetTarget(name: target, location: location).text, operation: operation.rawValue)]
  }

  // MARK: What others left or learnt

  private func takeOver(_ row: FleetReply.Row) {
    guard let key = ownKey(row.key) else { return }
    guard let pending = PendingRegistration(record: row.request, key: key, sequence: 0) else {
      return say("a registration that another host left behind cannot be read", row.key)
    }
    engine?.takeOver(pending) { [self] job in
      guard let fleetKey = fleetKey(key) else { return }
      member.resume(job, fleetKey)
      member.took(row.id)
      schedule()
    }
  }

  private func adopt(_ result: SharedResult) {
    guard let engine, let key = ownKey(result.key) else { return }
    if result.content != nil, registration(result) == nil {
      return say("the database has a result that cannot be this certificate's", result.key)
    }
    guard adopting[result.key].map({ $0 < result.stamp }) ?? true else { return }
    adopting[result.key] = result.stamp
    let stored = parts.known.home(of: key.target).storedKey(key.certificateID)
    let bound = NIOLoopBound((self, engine), eventLoop: loop)
    parts.workers.submit { [loop, known = parts.known] in
      let isNews = PresentResult(stored, known)?.isOlder(than: result) ?? false
      loop.execute {
        let (fleet, engine) = bound.value
        guard fleet.adopting[result.key] == result.stamp else { return }
        fleet.adopting[result.key] = nil
        if isNews { engine.adopt(result, as: key, fleet.registration(result)) }
      }
    }
  }

  private func say(_ what: String, _ key: FleetKey) {
    guard problemsSaid.insert(key.certificateID.hex + what).inserted, problemsSaid.count < 1000 else { return }
    parts.logger.log(
      .warning, .fleetContentRefused, "\(what)",
      [LogField.certificateID: "\(key.certificateID)", LogField.target: "\(key.target)"])
  }

  private func retellMore() {
    guard let retelling, member.isJoined, member.untold < FleetRetelling.pageSize, !retelling.isReading else { return }
    self.retelling?.isReading = true
    let bound = NIOLoopBound(self, eventLoop: loop)
    parts.workers.submit { [loop, store = parts.store, known = parts.known] in
      let page = retelling.nextPage(store, known)
      loop.execute { bound.value.retold(page) }
    }
  }

  private func retold(_ page: FleetRetelling.Page) {
    var changes: [StoreChange] = []
    for told in page.results where news[told.key].map({ $0.stamp < told.note.stamp }) ?? true {
      if told.isNew { changes.append(.share(told.stored, told.note)) }
      news[told.key] = FleetNews(
        stored: told.stored, stamp: told.note.stamp, what: told.note.isForgotten ? .forgotten : .onDisk)
      member.tell(told.key, stamp: told.note.stamp)
    }
    if !changes.isEmpty { engine?.commit(changes) { _, _ in } }
    // A newer order may have come meanwhile.
    if retelling?.kind == page.kind { retelling = page.next }
    retelling?.isReading = false
    schedule()
  }

  // MARK: State

  private func sayState() {
    parts.activity.note()
    let present = member.present
    let fields: Logger.Metadata = [LogField.fleetMember: "\(parts.identity.name)"]
    if let problem = present.problem {
      parts.logger.log(
        .warning, .fleetAlone, "on its own: \(problem.reason.rawValue): \(problem.message)", fields)
    } else if member.isJoined {
      parts.logger.log(.notice, .fleetJoined, "a member of the fleet in \(parts.database)", fields)
      writeFile()
    }
  }

  private func writeFile() {
    var file = writtenFile
    file.fleetID = member.fleetID
    file.positions = member.positions
    writtenAt = parts.clock.monotonic
    guard file != writtenFile else { return }
    writtenFile = file
    parts.workers.submit { [file, directory = parts.directory, logger = parts.logger] in
      do throws(DaemonError) { try file.write(in: directory) } catch { logger.warning("\(error.description)") }
    }
  }

  var report: FleetReport {
    let present = member.present
    let age = Double((parts.clock.monotonic - present.at).milliseconds) / 1000
    return FleetReport(
      isConnected: member.isJoined, member: parts.identity.name, since: present.since, database: parts.database,
      problem: present.problem ?? differingTarget(present.members),
      members: present.members.map { known in
        FleetReport.Member(
          name: known.name, heardOfSecondsAgo: known.name == parts.identity.name ? 0 : known.heardOfSecondsAgo + age,
          queued: known.queued, isGone: known.isGone,
          shares: member.shares(of: known.name).filter {
            $0.id.operation == UpstreamOperation.registerCertificateWithoutCA.rawValue
          }.compactMap { share in
            FleetTarget(text: share.id.target).map { ($0.name, share.callsPerSecond) }
          })
      })
  }

  /// A target of this host whose name means another upstream to a member that was there before.
  private func differingTarget(_ members: [FleetReply.Member]) -> FleetProblem? {
    guard member.isJoined, let own = members.first(where: { $0.name == parts.identity.name }) else { return nil }
    for other in members where !other.isGone && other.name != own.name && other.joined < own.joined {
      for text in other.targets {
        guard let theirs = FleetTarget(text: text), let ours = parts.known.home(of: theirs.name).location,
          engine?.targetNames.contains(theirs.name) ?? false, ours != theirs.location
        else { continue }
        return FleetProblem(
          .targetDiffers,
          "the target \(theirs.name) is \(ours) here and \(theirs.location) on \(other.name): each uses its own",
          isConnected: true)
      }
    }
    return nil
  }
}

/// The registrar's view of the fleet.
struct FleetCoordinator: Coordinator {
  let fleet: NIOLoopBound<FleetLoop>

  func askLeave(for pending: PendingRegistration, isPromised: Bool) -> Coordination.Leave {
    fleet.value.askLeave(for: pending, isPromised: isPromised)
  }

  func mayCall(_ pending: PendingRegistration) -> Bool { fleet.value.mayCall(pending) }

  func isSafe(_ pending: PendingRegistration) -> Bool { fleet.value.isSafe(pending) }

  func ended(_ id: JobID, _ ending: Ending?) { fleet.value.ended(id) }

  func share(of operation: UpstreamOperation, target: TargetName) -> PaceShare? {
    fleet.value.share(of: operation, target: target)
  }
}
