/// What the fleet has to be told of a result.
package struct FleetNews: Sendable {
  /// What there is to tell.
  package enum What: Hashable, Sendable {
    /// The result.
    case result(SharedResult.Content)
    /// The result on disk, which is read when it is told.
    case onDisk
    /// That the certificate was forgotten.
    case forgotten
  }

  /// The key that the store has it under.
  package var stored: RegistrationKey
  /// See ``SharedResult/stamp``.
  package var stamp: Int64
  /// What there is to tell.
  package var what: What
}

/// Another host's result on its way to this host's disk.
package struct ResultOfOthers: Sendable {
  /// What the database says.
  package var result: SharedResult
  /// That of the note on disk; 0: this host has completed the result, so that the fleet has to be told.
  package var number: Int64
  /// The certificate as this host names it.
  package var key: RegistrationKey
  /// The key that the store has this host's result under.
  package var stored: RegistrationKey

  package init(result: SharedResult, number: Int64, key: RegistrationKey, stored: RegistrationKey) {
    self.result = result
    self.number = number
    self.key = key
    self.stored = stored
  }
}

/// What this host's disk and the fleet's database have to learn from each other: results of this host that the others
/// have to be told, results of others that go to this host's disk, and what has to be told again after a loss.
///
/// A value without effects. It takes events of the disk, the database and the registrar, and says what has to be read,
/// written and told.
package struct FleetResults: Sendable {
  /// What a host has to do.
  package enum Action: Sendable {
    /// To hand a result of others to ``adopt(_:)`` again.
    case adopt(ResultOfOthers)
    /// To read what this host knows of results of others, for ``compared(_:with:hasJob:)``. Most are of certificates that
    /// it does not know: one turn at the disk for all of them.
    case compare([ResultOfOthers])
    /// To read a page of this host's results, for ``read(_:_:)``.
    case read(FleetRetelling)
    /// To write the progress: see ``FleetProgressWriter``.
    case write(FleetProgress)
  }

  /// The most results in memory that have to be told, or to be taken. The disk has them, too.
  let mostNews: Int
  /// The most results that one read of the disk has.
  let pageSize: Int
  /// How far apart the file with the progress is written, and what failed is tried again.
  let interval: Duration

  /// What is told next, or is being told.
  package internal(set) var news: [FleetKey: FleetNews] = [:]
  /// Whether the disk has results to tell that memory had no room for.
  var hasUntold = false
  /// Whether the disk has results to tell that could not be read.
  var hasUnreadable = false

  /// Results of others that are compared with the disk.
  var adopting: [FleetKey: SharedResult] = [:]
  /// Those of them that have to be read for the comparison yet.
  var unread: [ResultOfOthers] = []
  /// Results of others for which a job of this host has to end first, or an older result of others.
  var deferred: [RegistrationKey: ResultOfOthers] = [:]
  /// Those that waited long enough.
  var again: [ResultOfOthers] = []
  /// Certificates for which older results of others are being checked, or written, and how many.
  var unsettled: [FleetKey: Int] = [:]
  /// How many results of others the disk is writing.
  var adoptionsUnderWay = 0
  /// Those of them that the disk did not take.
  var failedAdoptions: [ResultOfOthers] = []
  /// Whether there were more than memory takes.
  var hasLostAdoptions = false
  /// The results of others that jobs of this host end with.
  var answered: [JobID: (result: SharedResult, registration: Registration)] = [:]
  /// The stamps of the results that jobs of this host end with.
  var endStamps: [JobID: Int64] = [:]

  /// What is being told again; `nil`: nothing is.
  var retelling: FleetRetelling?
  var lastRetelling = 0
  /// Whether all that the database lacked was read. The file says so once it is told.
  var isToldAgain = false
  /// Whether results of others were on their way to the disk when all was to be told again. They may come to lie behind
  /// the page that is told.
  var tellsOnceMore = false
  /// What the next process has to know.
  package var progress: FleetProgressWriter
  /// The positions at the last write of the file. What lay before them is on disk since.
  private var durablePositions: [String: Int64]
  private var writtenAt: MonotonicTime

  /// - Parameters:
  ///   - progress: What the process before has left.
  ///   - mostNews: The most results in memory that have to be told, or to be taken.
  ///   - pageSize: The most results that one read of the disk has.
  ///   - interval: How far apart the file with the progress is written, and what failed is tried again.
  ///   - time: The present time.
  package init(
    _ progress: FleetProgress, mostNews: Int = 10_000, pageSize: Int = 500, interval: Duration = .seconds(10),
    at time: MonotonicTime
  ) {
    self.progress = FleetProgressWriter(progress)
    durablePositions = progress.positions
    self.mostNews = mostNews
    self.pageSize = pageSize
    self.interval = interval
    writtenAt = time
  }

  /// The effects that are due, which are handed out once. They are carried out in their order, and then there may be
  /// more.
  package mutating func takeActions(_ member: inout FleetMember, at time: MonotonicTime) -> [Action] {
    var actions: [Action] = []
    func write(_ due: FleetProgress?) { if let due { actions.append(.write(due)) } }
    if time - writtenAt >= interval {
      write(tryAgain(&member, at: time))
      write(note(member, at: time))
    }
    if again.isEmpty {
      write(finishRetelling(member, at: time))
    } else {
      actions += again.map { .adopt($0) }
      again = []
    }
    if !unread.isEmpty { actions.append(.compare(unread)) }
    unread = []
    if let page = nextPage(member) { actions.append(.read(page)) }
    return actions
  }

  /// Notes how far this host has come.
  ///
  /// - Returns: What has to be written; `nil`: nothing, or it follows the write under way.
  package mutating func note(_ member: FleetMember, at time: MonotonicTime) -> FleetProgress? {
    note(member, untoldAfter: progress.latest.untoldAfter, at: time)
  }

  /// - Parameter number: What was told under higher numbers is being told again; `nil`: nothing is.
  mutating func note(_ member: FleetMember, untoldAfter number: Int64?, at time: MonotonicTime) -> FleetProgress? {
    var present = progress.latest
    present.untoldAfter = number
    if number == nil { isToldAgain = false }
    // Positions in another content of the database mean nothing.
    if present.fleetID != member.fleetID { durablePositions = [:] }
    present.fleetID = member.fleetID
    present.newsAt = member.newsAt
    present.sentNumber = member.sentNumber
    // The least error of the estimate is no reason to write.
    let hasDrifted = (member.offsetMicroseconds &- present.offsetMicroseconds).magnitude > 100_000
    if hasDrifted { present.offsetMicroseconds = member.offsetMicroseconds }
    present.positions = durablePositions
    if hasAdoptedAll { durablePositions = member.positions }
    writtenAt = time
    return progress.write(present)
  }

  /// Results of others that memory had no room for come once more.
  mutating func rewind(_ member: inout FleetMember) { member.rewind(to: durablePositions) }
}

// MARK: Results of this host

extension FleetResults {
  /// The note that goes to disk with a result, or with its end. The fleet is told once it is there.
  ///
  /// - Parameters:
  ///   - key: The certificate.
  ///   - stored: The key that the store has it under.
  ///   - what: What there is to tell.
  ///   - stamp: See ``SharedResult/stamp``.
  ///   - job: The job that ends with it; `nil`: none does. Where the disk takes its end only later, the result is no
  ///     newer for that: the first stamp stays.
  package mutating func note(
    _ key: FleetKey, storedAs stored: RegistrationKey, _ what: FleetNews.What, stamp: Int64, endOf job: JobID? = nil
  ) -> StoreChange {
    let stamp = job.flatMap { endStamps[$0] } ?? stamp
    if let job { endStamps[job] = stamp }
    // What is on its way from others is older.
    adopting[key] = nil
    add(FleetNews(stored: stored, stamp: stamp, what: what), of: key)
    return .share(stored, FleetNote(stamp: stamp, isForgotten: what == .forgotten, number: 0))
  }

  /// The note of a result that ended a job of this host, and that other hosts have told; `nil`: it is no such one. It
  /// keeps its stamp: for a caller that asks for what the upstream says now it is as old as it was.
  package func note(
    answered id: JobID, _ registration: Registration, storedAs stored: RegistrationKey
  ) -> StoreChange? {
    guard let (result, told) = answered[id], told.isSameResult(as: registration) else { return nil }
    return .share(stored, FleetNote(stamp: result.stamp, isForgotten: false, number: FleetNote.ofOthers))
  }

  mutating func add(_ one: FleetNews, of key: FleetKey) {
    if news.count < mostNews || news[key] != nil { news[key] = one } else { hasUntold = true }
  }

  /// The disk has taken a note of a result that the fleet has not been told yet, or has not.
  ///
  /// - Returns: Whether the fleet has to be told now.
  package mutating func noted(_ key: FleetKey, _ note: FleetNote, isKept: Bool) -> Bool {
    guard news[key]?.stamp == note.stamp else { return false }
    if isKept { return true }
    // There is nothing to tell but an earlier note of the certificate, whose place this one took in memory.
    news[key] = nil
    hasUntold = true
    return false
  }

  /// Gives a batch the contents of its results. What there is nothing to tell of any more is left out.
  ///
  /// - Returns: The results that have to be read, with the keys that the store has them under.
  package func fill(_ batch: inout FleetBatch) -> [FleetKey: RegistrationKey] {
    var unread: [FleetKey: RegistrationKey] = [:]
    batch.results = batch.results.compactMap { result in
      guard let told = news[result.key] else { return nil }
      var result = result
      switch told.what {
      case .result(let content): result.content = content
      case .onDisk: unread[result.key] = told.stored
      case .forgotten: break
      }
      return result
    }
    // The host reads no further results of others while it has many left to store.
    if adopting.count > mostNews { batch.positions = [:] }
    return unread
  }

  /// Results were left out of a batch since they are not on disk any more.
  package mutating func leftOut(_ results: [SharedResult]) {
    for left in results where news[left.key]?.stamp == left.stamp { news[left.key] = nil }
  }

  /// Results could not be read for a batch. They are read again later.
  package mutating func couldNotRead() { hasUnreadable = true }

  /// The fleet was told a result.
  ///
  /// - Parameters:
  ///   - key: The certificate.
  ///   - stamp: See ``SharedResult/stamp``.
  ///   - number: That under which the database has it; 0: the database had a later one.
  /// - Returns: The note of that, for the disk; `nil`: none is needed.
  package mutating func told(_ key: FleetKey, stamp: Int64, number: Int64) -> StoreChange? {
    guard let told = news[key], told.stamp == stamp else { return nil }
    news[key] = nil
    guard number > 0 else { return nil }
    return .share(told.stored, FleetNote(stamp: stamp, isForgotten: told.what == .forgotten, number: number))
  }
}

extension Registration {
  /// Whether another host's result is told in all that it knows; caller and verdict are each host's own.
  fileprivate func isSameResult(as other: Registration) -> Bool {
    certificateARN == other.certificateARN && outcome == other.outcome && status == other.status
      && requestID == other.requestID && finishedAt == other.finishedAt && deviceID == other.deviceID
      && provisioned == other.provisioned
  }
}
