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
  ///   - job: The job that ends with it; `nil`: none does.
  func note(
    _ key: RegistrationKey, in home: ResultHome, _ what: FleetNews.What, endOf job: JobID? = nil
  ) -> StoreChange? {
    guard let target = parts.known.fleetTarget(of: home) else { return nil }
    let shared = FleetKey(certificateID: key.certificateID, target: target)
    return results.note(
      shared, storedAs: home.storedKey(key.certificateID), what, stamp: member.stamp(parts.clock.wall), endOf: job)
  }

  /// See ``FleetResults/note(answered:_:storedAs:)``.
  func note(answered id: JobID, _ registration: Registration, in home: ResultHome) -> StoreChange? {
    results.note(answered: id, registration, storedAs: home.storedKey(id.key.certificateID))
  }

  /// The disk has taken a note, or neither it nor the change that it belongs to.
  func noted(_ stored: RegistrationKey, _ note: FleetNote, isKept: Bool) {
    guard note.number == 0, let key = parts.known.fleetKey(storedAs: stored) else { return }
    if results.noted(key, note, isKept: isKept) { member.tell(key, stamp: note.stamp) }
    schedule()
  }

  /// Another member's result as this host's; `nil`: it cannot be one.
  func registration(_ result: SharedResult) -> Registration? {
    guard let content = result.content, let key = ownKey(result.key), isCredible(result),
      parts.known.home(of: key.target).mayHold(arn: content.certificateARN)
    else { return nil }
    return Registration(content, of: key)
  }

  private func isCredible(_ result: SharedResult) -> Bool {
    member.isCredible(result.stamp, now: parts.clock.wall)
  }

  func coordinated(_ id: JobID, _ answer: Coordination.Answer?, _ result: SharedResult?) {
    if let answer { engine?.coordinated(id, answer) }
    guard let result else { return }
    check(result) { [self] registration in
      // The job may have ended meanwhile.
      guard engine?.pendingJob(id.sequence) != nil else { return }
      if let registration, member.counts(result) {
        results.answer(id, with: result, as: registration)
        engine?.coordinated(id, .known(registration, home: parts.known.home(of: id.target).jobHome))
      } else {
        member.reject(result)
        schedule()
      }
    }
  }

  /// Looks whether what the database knows may answer a request: nothing that this host knows is newer. A job before
  /// the request's own may have ended since the database was asked, and a database that was restored knows what was
  /// forgotten since.
  ///
  /// - Parameter body: Gets the result as this host's; `nil`: it does not count.
  func check(_ result: SharedResult, body: @escaping (Registration?) -> Void) {
    guard let registration = registration(result) else { return body(nil) }
    let stored = parts.known.home(of: registration.key.target).storedKey(registration.key.certificateID)
    results.beginCheck(of: result.key)
    let bound = NIOLoopBound((self, body), eventLoop: loop)
    parts.workers.submit { [loop, store = parts.store] in
      // If the disk cannot say what this host knows, the result does not count.
      let isOutdated: Bool
      do throws(StoreError) {
        isOutdated = try store.fleetNote(of: stored).map { $0.stamp > result.stamp } ?? false
      } catch {
        isOutdated = true
      }
      loop.execute {
        let (fleet, body) = bound.value
        // What is on its way to the disk counts, too.
        body(isOutdated || fleet.results.isBeingOutdated(result) ? nil : registration)
        fleet.settled(result.key)
      }
    }
  }

  /// A result of others was checked.
  private func settled(_ key: FleetKey) {
    let own = ownKey(key)
    results.settled(key, as: own, hasJob: own.map { engine?.hasJob(of: $0) ?? true } ?? false)
    schedule()
  }

  // MARK: What others left or learnt

  func takeOver(_ row: FleetReply.Row) {
    guard let key = ownKey(row.key) else { return member.leave(row.id) }
    guard let pending = PendingRegistration(record: row.request, key: key, sequence: 0) else {
      say("a registration that another host left behind cannot be read", row.key)
      return member.leave(row.id)
    }
    let bound = NIOLoopBound(self, eventLoop: loop)
    parts.workers.submit { [loop, left = parts.left] in
      let judged: Result<PendingRegistration, LeftRegistrations.Refusal>
      do throws(LeftRegistrations.Refusal) {
        judged = .success(try left.judged(pending))
      } catch {
        judged = .failure(error)
      }
      loop.execute { bound.value.takeOver(row, judged) }
    }
  }

  private func takeOver(_ row: FleetReply.Row, _ judged: Result<PendingRegistration, LeftRegistrations.Refusal>) {
    defer { schedule() }
    guard isStarted else { return }
    switch judged {
    case .success(let pending):
      let hasRoom = engine?.takeOver(pending) { [self] job, isStored in
        member.resume(job, row.key, now: parts.clock.now)
        if isStored { member.took(row.id) } else { takenRows[job, default: []].append(row.id) }
      }
      if hasRoom == false { member.postpone(row.id, now: parts.clock.monotonic) }
    case .failure(let refusal):
      say("a registration that another host left behind is not carried out: \(refusal.message)", row.key)
      member.leave(row.id)
    }
  }

  /// - Parameter number: That of the note on disk.
  func adopt(_ result: SharedResult, number: Int64) {
    guard engine != nil, let key = ownKey(result.key) else { return }
    if result.content == nil ? !isCredible(result) : registration(result) == nil {
      return say("the database has a result that cannot be this certificate's", result.key)
    }
    results.adopt(other(result, as: key, number: number))
  }

  /// Another host's result that answers a request of this host.
  func asked(_ result: SharedResult, as key: RegistrationKey) -> ResultOfOthers {
    other(result, as: key, number: FleetNote.ofOthers)
  }

  private func other(_ result: SharedResult, as key: RegistrationKey, number: Int64) -> ResultOfOthers {
    ResultOfOthers(
      result: result, number: number, key: key,
      stored: parts.known.home(of: key.target).storedKey(key.certificateID))
  }

  /// Compares results of others with the disk.
  func compare(_ others: [ResultOfOthers]) {
    let bound = NIOLoopBound(self, eventLoop: loop)
    parts.workers.submit { [loop, store = parts.store] in
      let presents = others.map { PresentResult($0.stored, in: store) }
      loop.execute {
        for (other, present) in zip(others, presents) { bound.value.compared(other, with: present) }
      }
    }
  }

  private func compared(_ other: ResultOfOthers, with present: PresentResult?) {
    guard let engine else { return }
    defer { schedule() }
    switch results.compared(other, with: present, hasJob: engine.hasJob(of: other.key)) {
    case .take(let completed):
      let own = registration(completed.result)
      // A reload may have pointed the target elsewhere meanwhile: that forgets nothing.
      guard own != nil || completed.result.content == nil else { return }
      engine.adopt(completed, own)
    case .doubt(let key): engine.mayBeRevoked(key)
    case .none: break
    }
  }

  /// A result of others goes to the disk.
  ///
  /// - Returns: The changes.
  func beginAdoption(of other: ResultOfOthers, _ kept: Registration?, home: JobHome?) -> [StoreChange] {
    results.begin(other, kept, telling: kept.map { SharedResult.Content($0) }, home: home)
  }

  func endAdoption(of other: ResultOfOthers, isKept: Bool) {
    results.ended(other, isKept: isKept, hasJob: engine?.hasJob(of: other.key) ?? true)
    schedule()
  }

  /// Reads what the fleet has to be told.
  func read(_ page: FleetRetelling) {
    let bound = NIOLoopBound(self, eventLoop: loop)
    parts.workers.submit { [loop, store = parts.store, known = parts.known] in
      let read = page.nextPage(of: store) { known.fleetKey(storedAs: $0) }
      loop.execute { bound.value.wasRead(read) }
    }
  }

  private func wasRead(_ page: FleetRetelling.Page) {
    let notes = results.read(page, &member)
    if !notes.isEmpty { engine?.commit(notes) { _, _ in } }
    // The page is read again with the next exchange, and not over and over while the disk fails.
    if let fault = page.fault {
      return parts.logger.warning("what the fleet has to be told cannot be read: \(fault.message)")
    }
    schedule()
  }

  private func say(_ what: String, _ key: FleetKey) {
    guard problemsSaid.count < 1000, problemsSaid.insert(key.certificateID.hex + what).inserted else { return }
    parts.logger.log(
      .warning, .fleetContentRefused, "\(what)",
      [LogField.certificateID: "\(key.certificateID)", LogField.target: "\(key.target)"])
  }
}
