// What the database lacks, and this host's disk has.
extension FleetResults {
  /// The process begins. What the one before it had begun to tell again goes on.
  package mutating func start() { beginRetelling(progress.latest.untoldAfter.map { .all(after: $0) } ?? .untold) }

  /// Tells again what the database lacks. What it lacked before, and may not have been told yet, is told, too.
  ///
  /// - Parameters:
  ///   - number: See ``FleetProgress/untoldAfter``.
  ///   - member: This host's part of the fleet.
  ///   - time: The present time.
  /// - Returns: What has to be written first, so that a crash does not leave it half done; `nil`: nothing, or it follows
  ///   the write under way.
  package mutating func tellAgain(after number: Int64, _ member: FleetMember, at time: MonotonicTime) -> FleetProgress?
  {
    // The database may have lost what waits for the disk or for the end of a job, too.
    for index in failedAdoptions.indices { failedAdoptions[index].number = 0 }
    for index in again.indices { again[index].number = 0 }
    for key in deferred.keys { deferred[key]?.number = 0 }
    tellsOnceMore = adoptionsUnderWay > 0 || !adopting.isEmpty
    let least = min(number, progress.latest.untoldAfter ?? number)
    beginRetelling(.all(after: least))
    isToldAgain = false
    return note(member, untoldAfter: least, at: time)
  }

  /// The fleet has other names for this host's targets than before: all is told again, and nothing under the old names.
  ///
  /// - Returns: What has to be written first: see ``tellAgain(after:_:at:)``.
  package mutating func renamed(_ member: FleetMember, at time: MonotonicTime) -> FleetProgress? {
    news = [:]
    return tellAgain(after: 0, member, at: time)
  }

  /// - Returns: The page that has to be read now; `nil`: none.
  mutating func nextPage(_ member: FleetMember) -> FleetRetelling? {
    guard member.isJoined else { return nil }
    if hasUntold, retelling == nil, news.count < mostNews / 2 {
      hasUntold = false
      beginRetelling(.untold)
    }
    guard progress.isSettled, member.untold < pageSize, let page = retelling, !page.isReading else { return nil }
    retelling?.isReading = true
    return page
  }

  /// A page of the disk was read.
  ///
  /// - Returns: The notes that go to disk.
  package mutating func read(_ page: FleetRetelling.Page, _ member: inout FleetMember) -> [StoreChange] {
    var changes: [StoreChange] = []
    for told in page.results where news[told.key].map({ $0.stamp < told.note.stamp }) ?? true {
      if told.isNew { changes.append(.share(told.stored, told.note)) }
      news[told.key] = FleetNews(
        stored: told.stored, stamp: told.note.stamp, what: told.note.isForgotten ? .forgotten : .onDisk)
      member.tell(told.key, stamp: told.note.stamp)
    }
    // A newer order may have come meanwhile.
    guard let present = retelling, present.number == page.number else { return changes }
    retelling = page.next
    retelling?.isReading = false
    if retelling == nil, present.kind != .untold { isToldAgain = true }
    return changes
  }

  /// - Returns: What has to be written once all is told again; `nil`: nothing.
  mutating func finishRetelling(_ member: FleetMember, at time: MonotonicTime) -> FleetProgress? {
    guard hasAdoptedAll, let number = progress.latest.untoldAfter else { return nil }
    if tellsOnceMore {
      tellsOnceMore = false
      isToldAgain = false
      beginRetelling(.all(after: number))
    }
    return isToldAgain && news.isEmpty ? note(member, untoldAfter: nil, at: time) : nil
  }

  private mutating func beginRetelling(_ kind: FleetRetelling.Kind) {
    lastRetelling += 1
    retelling = FleetRetelling(kind, number: lastRetelling, pageSize: pageSize)
  }
}
