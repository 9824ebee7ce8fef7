import CertRegCore
import CertRegHost
import CertRegStore
import Logging
import NIOCore

// Results, and jobs, of this host and of others.
extension FleetLoop {
  // MARK: Results

  /// The note that goes to disk with a result, or with its end. The fleet is told once it is there.
  ///
  /// - Parameters:
  ///   - key: The certificate.
  ///   - home: Where the result belongs.
  ///   - what: What there is to tell.
  func note(_ key: RegistrationKey, in home: ResultHome, _ what: FleetNews.What) -> StoreChange? {
    guard let target = parts.known.fleetTarget(of: home) else { return nil }
    let shared = FleetKey(certificateID: key.certificateID, target: target.text)
    let stamp = stamp()
    let stored = home.storedKey(key.certificateID)
    if news.count < Self.mostNews || news[shared] != nil {
      news[shared] = FleetNews(stored: stored, stamp: stamp, what: what)
    } else {
      hasUntold = true
    }
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

  func coordinated(_ id: JobID, _ answer: Coordination.Answer?, _ result: SharedResult?) {
    if let answer { engine?.coordinated(id, answer) }
    guard let result else { return }
    if let registration = registration(result) {
      engine?.coordinated(id, .known(registration))
    } else {
      member.reject(result)
    }
  }

  // MARK: What others left or learnt

  func takeOver(_ row: FleetReply.Row) {
    guard let key = ownKey(row.key) else { return }
    guard let pending = PendingRegistration(record: row.request, key: key, sequence: 0) else {
      return say("a registration that another host left behind cannot be read", row.key)
    }
    engine?.takeOver(pending) { [self] job in
      guard let fleetKey = fleetKey(key) else { return }
      member.resume(job, fleetKey, now: parts.clock.now)
      member.took(row.id)
      schedule()
    }
  }

  func adopt(_ result: SharedResult) {
    guard engine != nil, let key = ownKey(result.key) else { return }
    if result.content != nil, registration(result) == nil {
      return say("the database has a result that cannot be this certificate's", result.key)
    }
    guard adopting[result.key].map({ $0 < result.stamp }) ?? true else { return }
    adopting[result.key] = result.stamp
    unread.append(
      ResultOfOthers(
        result: result, key: key, stored: parts.known.home(of: key.target).storedKey(key.certificateID)))
  }

  /// Takes the results of an exchange that are newer than what the disk has. Most are of certificates that this host does not
  /// know: one turn of a worker for all of them.
  func readForAdoption() {
    guard !unread.isEmpty, let engine else { return }
    let bound = NIOLoopBound((self, engine), eventLoop: loop)
    parts.workers.submit { [loop, unread, known = parts.known] in
      let news = unread.map { PresentResult($0.stored, known)?.isOlder(than: $0.result) ?? false }
      loop.execute {
        let (fleet, engine) = bound.value
        for (other, isNews) in zip(unread, news) {
          let result = other.result
          guard fleet.adopting[result.key] == result.stamp else { continue }
          fleet.adopting[result.key] = nil
          if isNews { engine.adopt(result, as: other.key, fleet.registration(result)) }
        }
      }
    }
    unread = []
  }

  private func say(_ what: String, _ key: FleetKey) {
    guard problemsSaid.insert(key.certificateID.hex + what).inserted, problemsSaid.count < 1000 else { return }
    parts.logger.log(
      .warning, .fleetContentRefused, "\(what)",
      [LogField.certificateID: "\(key.certificateID)", LogField.target: "\(key.target)"])
  }

  func retellMore() {
    if hasUntold, retelling == nil, member.isJoined, news.count < Self.mostNews / 2 {
      hasUntold = false
      retelling = FleetRetelling(.untold)
    }
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
}
