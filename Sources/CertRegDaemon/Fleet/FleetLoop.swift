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

  private static let fileInterval = Duration.seconds(10)
  /// After a disk that failed.
  static let fileRetry = Duration.seconds(1)
  /// Notes of what the fleet was told are written this far apart: what has none after a crash is told again.
  private static let noteInterval = Duration.milliseconds(250)
  /// The most results in memory that have to be told, or to be taken. The disk has them, too.
  static let mostNews = 10_000

  let parts: Parts
  let loop: any EventLoop
  private let link: FleetLink
  var member: FleetMember
  var engine: EngineLoop?
  var answers: [FleetMember.Token: (FleetMember.Answer) -> Void] = [:]
  var shares: [FleetLane.ID: PaceShare] = [:]
  /// What is told next, or is being told.
  var news: [FleetKey: FleetNews] = [:]
  /// Results of others on their way to the disk.
  var adopting: [FleetKey: SharedResult] = [:]
  /// Those of them that have to be compared with the disk yet.
  var unread: [ResultOfOthers] = []
  /// Results of others for which a job of this host has to end first, or an older result of others.
  var deferred: [RegistrationKey: (result: SharedResult, number: Int64)] = [:]
  /// Certificates for which older results of others are being checked, or written, and how many.
  var unsettled: [FleetKey: Int] = [:]
  /// How many results of others the disk is writing.
  var adoptionsUnderWay = 0
  /// Those of them that the disk did not take.
  var failedAdoptions: [(result: SharedResult, number: Int64)] = []
  /// Whether there were more than memory takes.
  var hasLostAdoptions = false
  /// The results of others that jobs of this host end with.
  var answered: [JobID: (result: SharedResult, registration: Registration)] = [:]
  /// Jobs on their way to the disk, with the rows of the database that they come from.
  var takenRows: [JobID: [Int64]] = [:]
  /// Notes of what the fleet was told, which are not on their way to the disk yet.
  private var notes: [StoreChange] = []
  private var notedAt: MonotonicTime
  var retelling: FleetRetelling?
  var lastRetelling = 0
  /// Whether the file is being written, or waits for another try.
  var isWriting = false
  /// Whether the last try failed.
  var isFileFailing = false
  /// Goes to the database once the file is written.
  var heldBatch: FleetBatch?
  /// Whether all that the database lacked was read. The file says so once it is told.
  var isToldAgain = false
  /// Whether results of others were on their way to the disk when all was to be told again. They may come to lie behind
  /// the page that is told.
  var tellsOnceMore = false
  /// Whether the disk has results to tell that memory had no room for.
  var hasUntold = false
  /// Whether the disk has results to tell that could not be read.
  private var hasUnreadable = false
  private var timer: Scheduled<Void>?
  private var timerDue: MonotonicTime?
  private var isScheduled = false
  var isStarted = false
  var wants: [FleetLane.ID: Want] = [:]
  var writtenFile: FleetFile
  var writtenAt: MonotonicTime
  /// The positions at the last write of the file. What lay before them is on disk since.
  var durablePositions: [String: Int64]
  var problemsSaid: Set<String> = []
  private(set) var figures = FleetFigures()

  init(loop: any EventLoop, _ parts: Parts) {
    self.loop = loop
    self.parts = parts
    link = FleetLink(parts.location, parts.identity)
    member = FleetMember(
      name: parts.identity.name, sentNumber: parts.file.sentNumber, fleetID: parts.file.fleetID,
      positions: parts.file.positions, newsAt: parts.file.newsAt, offsetMicroseconds: parts.file.offsetMicroseconds,
      seed: .random(in: .min ... .max), now: parts.clock.now)
    writtenFile = parts.file
    writtenAt = parts.clock.monotonic
    notedAt = parts.clock.monotonic
    durablePositions = parts.file.positions
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
    beginRetelling(writtenFile.untoldAfter.map { .all(after: $0) } ?? .untold)
    schedule()
  }

  /// Ends the exchange, and keeps what the next process needs.
  func close() {
    isStarted = false
    timer?.cancel()
    link.close()
    writeNotes()
    writeFile()
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
    while case let actions = member.takeActions(), !actions.isEmpty {
      for action in actions { carryOut(action) }
    }
    readForAdoption()
    retellMore()
    if tellsOnceMore, hasAdoptedAll, let number = writtenFile.untoldAfter {
      tellsOnceMore = false
      isToldAgain = false
      beginRetelling(.all(after: number))
    }
    if isToldAgain, news.isEmpty, hasAdoptedAll, writtenFile.untoldAfter != nil { writeFile(untoldAfter: nil) }
    let now = parts.clock.monotonic
    if now - notedAt >= Self.noteInterval || notes.count >= FleetRetelling.pageSize { writeNotes() }
    if now - writtenAt >= Self.fileInterval {
      adoptAgain()
      hasUntold = hasUntold || hasUnreadable
      hasUnreadable = false
      writeFile()
    }
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
    case .join(let sent):
      let bound = NIOLoopBound(self, eventLoop: loop)
      link.join(sent: sent) { [loop] result in loop.execute { bound.value.joined(result) } }
    case .exchange(let batch):
      // Nothing is told before the file says what has to be told again: a crash would leave no trace of that.
      if isWriting, !isFileFailing, writtenFile.untoldAfter != nil { heldBatch = batch } else { exchange(batch) }
    case .answer(let token, let answer): answers.removeValue(forKey: token)?(answer)
    case .coordinated(let id, let answer, let result): coordinated(id, answer, result)
    case .marked(let id, let isGranted): engine?.mayCall(id, isGranted)
    case .giveWay(let key):
      if let own = ownKey(key) { engine?.revokedElsewhere(own) }
    case .safe(let sequence): engine?.isSafe(sequence)
    case .adopt(let result, let number): adopt(result, number: number)
    case .sent(let key, let stamp, let number):
      guard let told = news[key], told.stamp == stamp else { break }
      news[key] = nil
      guard number > 0 else { break }
      notes.append(
        .share(told.stored, FleetNote(stamp: stamp, isForgotten: told.what == .forgotten, number: number)))
    case .takeOver(let row): takeOver(row)
    case .pace(let id, let order): pace(id, order)
    case .tellAgain(let number): tellAgain(after: number)
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

  func exchange(_ batch: FleetBatch) {
    var batch = batch
    for index in batch.copies.indices {
      batch.copies[index].request = engine?.pendingJob(batch.copies[index].sequence)?.record ?? []
    }
    batch.copies.removeAll { $0.request.isEmpty }
    var unread: [FleetKey: RegistrationKey] = [:]
    batch.results = batch.results.compactMap { result in
      guard let told = news[result.key] else { return nil }
      var result = result
      switch told.what {
      case .result(let registration): result.content = SharedResult.Content(registration)
      case .onDisk: unread[result.key] = told.stored
      case .forgotten: break
      }
      return result
    }
    // The host reads no further results of others while it has many left to store.
    if adopting.count > Self.mostNews { batch.positions = [:] }
    if batch.isFull {
      batch.queued = engine?.pendingCount ?? 0
      // The rest is safe where it is.
      batch.takesOver = batch.takesOver && engine?.hasRoomForOthers == true
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
        if !isComplete { bound.value.hasUnreadable = true }
        bound.value.exchanged(batch, result)
      }
    }
  }

  private func exchanged(_ batch: FleetBatch, _ result: Result<FleetReply, FleetProblem>) {
    let now = parts.clock.now
    for left in member.filled(batch) where news[left.key]?.stamp == left.stamp { news[left.key] = nil }
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
