import CertRegCore
import CertRegFleet
import CertRegHost
import CertRegStore
import Logging
import NIOCore

/// Runs this host's part of a fleet: feeds the member's machine with events and carries out what it decides. It is
/// touched on the engine's event loop alone.
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
    var left: LeftRegistrations
    var clock: HostClock
    var workers: WorkQueue
    var activity: Activity
    var logger: Logger
  }

  /// After a disk that failed.
  static let fileRetry = Duration.seconds(1)
  /// Notes of what the fleet was told are written this far apart: what has none after a crash is told again.
  private static let noteInterval = Duration.milliseconds(250)
  /// As many of them are written at once.
  private static let mostNotes = 500

  let parts: Parts
  let loop: any EventLoop
  private let link: FleetLink
  var member: FleetMember
  var engine: EngineLoop?
  var answers: [FleetMember.Token: (FleetMember.Answer) -> Void] = [:]
  var shares: [FleetLane.ID: PaceShare] = [:]
  var targets = FleetTargetComparison()
  /// What the disk and the database have to learn from each other.
  var results: FleetResults
  /// Jobs on their way to the disk, with the rows of the database that they come from.
  var takenRows: [JobID: [Int64]] = [:]
  /// Notes of what the fleet was told, which are not on their way to the disk yet.
  private var notes: [StoreChange] = []
  private var notedAt: MonotonicTime
  private var timer: Scheduled<Void>?
  private var timerDue: MonotonicTime?
  private var isScheduled = false
  var isStarted = false
  var demands: [FleetLane.ID: LaneDemand] = [:]
  var problemsSaid: Set<String> = []
  private(set) var figures = FleetFigures()

  init(loop: any EventLoop, _ parts: Parts) {
    self.loop = loop
    self.parts = parts
    link = FleetLink(parts.location, parts.identity)
    member = FleetMember(
      name: parts.identity.name, progress: parts.file.progress, seed: .random(in: .min ... .max), now: parts.clock.now)
    results = FleetResults(parts.file.progress, at: parts.clock.monotonic)
    notedAt = parts.clock.monotonic
  }

  /// Names the engine, and begins.
  func attach(_ engine: EngineLoop) {
    self.engine = engine
    let bound = NIOLoopBound(self, eventLoop: loop)
    parts.workers.submit { [loop, parts, firstSequence = parts.store.nextSequence] in
      // Without it, new notes could be older than those on disk.
      do throws(StoreError) {
        let highest = try parts.store.highestFleetNote()
        loop.execute { bound.value.begin(highest, firstSequence: firstSequence) }
      } catch {
        parts.logger.warning("what the fleet was told cannot be read: \(error.message)")
        loop.scheduleTask(in: TimeAmount(Self.fileRetry)) {
          if let engine = bound.value.engine { bound.value.attach(engine) }
        }
      }
    }
  }

  private func begin(_ highest: (number: Int64, stamp: Int64), firstSequence: Int64) {
    member.start(
      sentNumber: highest.number, lastStamp: highest.stamp, firstSequence: firstSequence, now: parts.clock.now)
    isStarted = true
    results.start()
    schedule()
  }

  /// Ends the exchange, and keeps what the next process needs.
  func close() {
    isStarted = false
    timer?.cancel()
    link.close()
    writeNotes()
    write(results.note(member, at: parts.clock.monotonic))
    engine = nil
  }

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
    var isDone = false
    while !isDone {
      let decided = member.takeActions()
      for action in decided { carryOut(action) }
      let due = results.takeActions(&member, at: parts.clock.monotonic)
      for action in due { carryOut(action) }
      isDone = decided.isEmpty && due.isEmpty
    }
    let now = parts.clock.monotonic
    if now - notedAt >= Self.noteInterval || notes.count >= Self.mostNotes { writeNotes() }
    wake(at: member.nextDeadline(now: now), now: now)
  }

  private func writeNotes() {
    notedAt = parts.clock.monotonic
    guard !notes.isEmpty else { return }
    engine?.commit(notes) { _, _ in }
    notes = []
  }

  private func wake(at time: MonotonicTime, now: MonotonicTime) {
    // A call that comes too early does no harm, and most deadlines only move on.
    if let timerDue, timerDue <= time { return }
    timer?.cancel()
    timerDue = time
    let bound = NIOLoopBound(self, eventLoop: loop)
    timer = loop.scheduleTask(in: TimeAmount(max(.milliseconds(1), time - now))) {
      bound.value.timerDue = nil
      bound.value.carryOut()
    }
  }

  private func carryOut(_ action: FleetMember.Action) {
    switch action {
    case .join(let sent, let ownSequences):
      let bound = NIOLoopBound(self, eventLoop: loop)
      link.join(sent: sent, ownSequences: ownSequences) { [loop] result in
        loop.execute { bound.value.joined(result) }
      }
    case .exchange(let batch):
      if let batch = results.progress.pass(batch) { exchange(batch) }
    case .answer(let token, let answer): answers.removeValue(forKey: token)?(answer)
    case .coordinated(let id, let answer, let result): coordinated(id, answer, result)
    case .marked(let id, let isGranted): engine?.mayCall(id, isGranted)
    case .giveWay(let key):
      if let own = ownKey(key) { engine?.revokedElsewhere(own) }
    case .safe(let sequence): engine?.isSafe(sequence)
    case .adopt(let result, let number): adopt(result, number: number)
    case .sent(let key, let stamp, let number):
      if let note = results.told(key, stamp: stamp, number: number) { notes.append(note) }
    case .takeOver(let row): takeOver(row)
    case .pace(let id, let order): pace(id, order)
    case .tellAgain(let number): write(results.tellAgain(after: number, member, at: parts.clock.monotonic))
    case .stateChanged: sayState()
    }
  }

  private func carryOut(_ action: FleetResults.Action) {
    switch action {
    case .adopt(let other): adopt(other.result, number: other.number)
    case .compare(let others): compare(others)
    case .read(let page): read(page)
    case .write(let progress): write(progress)
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

  func exchange(_ batch: FleetBatch) {
    var batch = batch
    for index in batch.copies.indices {
      batch.copies[index].request = engine?.pendingJob(batch.copies[index].sequence)?.record ?? []
    }
    batch.copies.removeAll { $0.request.isEmpty }
    let unread = results.fill(&batch)
    if batch.isFull {
      batch.queued = engine?.pendingCount ?? 0
      // The rest is safe where it is.
      let hasRoom = engine?.hasRoomForOthers == true
      batch.takesOver = batch.takesOver && hasRoom
      batch.takesOrphans = batch.cleansUp && hasRoom
      let targets = engine?.targetNames ?? []
      batch.targets = ownTargets.map(\.text)
      batch.targetsOfKeys = targets.compactMap { parts.known.fleetTarget(of: $0)?.text }
      batch.lanes = lanes(of: targets)
      batch.endsOtherShares = member.hasOtherShares(than: batch.lanes)
    }
    // What has no content is left out. The disk is read again for it, perhaps before this exchange ends.
    _ = member.filled(batch)
    let bound = NIOLoopBound(self, eventLoop: loop)
    let filling = FleetFilling(store: parts.store, unread: unread)
    figures.began(at: parts.clock.monotonic)
    link.exchange(batch, fill: { filling.fill(&$0) }) { [loop] batch, isComplete, result in
      loop.execute {
        if !isComplete { bound.value.results.couldNotRead() }
        bound.value.exchanged(batch, result)
      }
    }
  }

  private func exchanged(_ batch: FleetBatch, _ result: Result<FleetReply, FleetProblem>) {
    let now = parts.clock.now
    results.leftOut(member.filled(batch))
    switch result {
    case .success(let reply):
      figures.ended(isSuccess: true, at: now.monotonic)
      member.replied(reply, now: now)
      if batch.isFull { compareTargets() }
    case .failure(let problem):
      figures.ended(isSuccess: false, at: now.monotonic)
      paceIsUntold(batch.lanes)
      member.failed(problem, now: now)
    }
    schedule()
  }
}
