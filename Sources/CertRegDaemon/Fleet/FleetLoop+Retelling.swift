import CertRegCore
import CertRegStore
import Logging
import NIOCore

// What the database lacks, and this host's disk has.
extension FleetLoop {
  /// Tells again what the database lacks. What it lacked before, and may not have been told yet, is told, too.
  func tellAgain(after number: Int64) {
    // The database may have lost what waits for the disk or for the end of a job, too.
    for index in failedAdoptions.indices { failedAdoptions[index].number = 0 }
    for key in deferred.keys { deferred[key]?.number = 0 }
    tellsOnceMore = adoptionsUnderWay > 0 || !adopting.isEmpty
    let least = min(number, writtenFile.untoldAfter ?? number)
    beginRetelling(.all(after: least))
    isToldAgain = false
    // A crash must not leave it half done.
    writeFile(untoldAfter: least)
  }

  func beginRetelling(_ kind: FleetRetelling.Kind) {
    lastRetelling += 1
    retelling = FleetRetelling(kind, number: lastRetelling)
  }

  func retellMore() {
    if hasUntold, retelling == nil, member.isJoined, news.count < Self.mostNews / 2 {
      hasUntold = false
      beginRetelling(.untold)
    }
    guard !isWriting || isFileFailing, let retelling, member.isJoined, member.untold < FleetRetelling.pageSize,
      !retelling.isReading
    else { return }
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
    guard let present = retelling, present.number == page.number else { return schedule() }
    retelling = page.next
    retelling?.isReading = false
    // The page is read again with the next exchange, and not over and over while the disk fails.
    if let fault = page.fault {
      return parts.logger.warning("what the fleet has to be told cannot be read: \(fault.message)")
    }
    if retelling == nil, present.kind != .untold { isToldAgain = true }
    schedule()
  }
}
