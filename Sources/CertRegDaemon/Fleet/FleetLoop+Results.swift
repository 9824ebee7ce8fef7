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
    let stamp = member.stamp(parts.clock.wall)
    // What is on its way from others is older.
    adopting[shared] = nil
    let stored = home.storedKey(key.certificateID)
    if news.count < Self.mostNews || news[shared] != nil {
      news[shared] = FleetNews(stored: stored, stamp: stamp, what: what)
    } else {
      hasUntold = true
    }
    return .share(stored, FleetNote(stamp: stamp, isForgotten: what == .forgotten, number: 0))
  }

  /// The note of a result that ended a job of this host, and that other hosts have told; `nil`: it is no such one. It
  /// keeps its stamp: for a caller that asks for what the upstream says now it is as old as it was.
  func note(answered id: JobID, _ registration: Registration, in home: ResultHome) -> StoreChange? {
    guard let (result, told) = answered[id], told.isSameResult(as: registration) else { return nil }
    return .share(
      home.storedKey(id.key.certificateID),
      FleetNote(stamp: result.stamp, isForgotten: false, number: FleetNote.ofOthers))
  }

  /// The note of another host's result that this host has completed.
  func note(completed result: SharedResult, storedAs stored: RegistrationKey, _ registration: Registration)
    -> StoreChange
  {
    if news.count < Self.mostNews || news[result.key] != nil {
      news[result.key] = FleetNews(stored: stored, stamp: result.stamp, what: .result(registration))
    } else {
      hasUntold = true
    }
    return .share(stored, FleetNote(stamp: result.stamp, isForgotten: false, number: 0))
  }

  /// A note is on disk.
  func noted(_ stored: RegistrationKey, _ note: FleetNote) {
    guard note.number == 0, let key = parts.known.fleetKey(storedAs: stored), news[key]?.stamp == note.stamp else {
      return
    }
    member.tell(key, stamp: note.stamp)
    schedule()
  }

  /// The disk did not take a note, nor the change that it belongs to: there is nothing to tell.
  func notNoted(_ stored: RegistrationKey, _ note: FleetNote) {
    guard note.number == 0, let key = parts.known.fleetKey(storedAs: stored), news[key]?.stamp == note.stamp else {
      return
    }
    news[key] = nil
    // An earlier note of the certificate, whose place it took in memory, is on disk.
    hasUntold = true
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
      if let registration, member.counts(result) {
        answered[id] = (result, registration)
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
    unsettled[result.key, default: 0] += 1
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
        let isBeingOutdated = fleet.news[result.key].map { $0.stamp > result.stamp } ?? false
        body(isOutdated || isBeingOutdated ? nil : registration)
        fleet.settled(result.key)
      }
    }
  }

  /// A result of others was checked, or is on disk.
  private func settled(_ key: FleetKey) {
    let left = (unsettled[key] ?? 1) - 1
    unsettled[key] = left > 0 ? left : nil
    guard left == 0, let own = ownKey(key), engine?.hasJob(of: own) == false else { return }
    adoptDeferred(own)
  }

  /// No job of a certificate is under way any more.
  func adoptDeferred(_ key: RegistrationKey) {
    if let left = deferred.removeValue(forKey: key) { adopt(left.result, number: left.number) }
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
      engine?.takeOver(pending) { [self] job, isStored in
        member.resume(job, row.key, now: parts.clock.now)
        if isStored { member.took(row.id) } else { takenRows[job, default: []].append(row.id) }
      }
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
    // The database may complete a result without another stamp: with the ARN, or as `created`.
    guard adopting[result.key].map({ $0.stamp <= result.stamp && $0 != result }) ?? true else { return }
    adopting[result.key] = result
    unread.append(
      ResultOfOthers(
        result: result, number: number, key: key,
        stored: parts.known.home(of: key.target).storedKey(key.certificateID)))
  }

  /// Takes the results of an exchange that are newer than what the disk has. Most are of certificates that this host
  /// does not know: one turn of a worker for all of them.
  func readForAdoption() {
    guard !unread.isEmpty, let engine else { return }
    let bound = NIOLoopBound((self, engine), eventLoop: loop)
    parts.workers.submit { [loop, unread, known = parts.known] in
      let presents = unread.map { PresentResult($0.stored, known) }
      loop.execute {
        let (fleet, engine) = bound.value
        for (other, present) in zip(unread, presents) {
          guard fleet.adopting[other.result.key] == other.result else { continue }
          fleet.adopting[other.result.key] = nil
          guard let present else {
            fleet.adoptionFailed(other.result, number: other.number)
            continue
          }
          guard let completed = present.completed(by: other.result) else {
            // An older result may be on its way to the disk.
            if !present.isKnown, engine.hasJob(of: other.key) || fleet.unsettled[other.result.key] != nil {
              fleet.adoptLater(other.result, as: other.key, number: other.number)
            }
            continue
          }
          engine.adopt(
            completed, as: other.key, fleet.registration(completed),
            number: completed == other.result ? other.number : 0)
        }
      }
    }
    unread = []
  }

  /// Adopts a result once no job of its certificate is under way, and no older result of others.
  func adoptLater(_ result: SharedResult, as key: RegistrationKey, number: Int64) {
    guard deferred[key].map({ $0.result.stamp <= result.stamp }) ?? true else { return }
    deferred[key] = (result, number)
    if result.mayBeRevocation { engine?.mayBeRevoked(key) }
  }

  /// A result of others is on its way to the disk.
  func adoptionBegins(_ result: SharedResult) {
    adoptionsUnderWay += 1
    unsettled[result.key, default: 0] += 1
  }

  func adoptionEnded(_ result: SharedResult, number: Int64, isKept: Bool) {
    adoptionsUnderWay -= 1
    if !isKept { adoptionFailed(result, number: number) }
    settled(result.key)
  }

  /// The disk did not take what others told, or could not be read: it is tried again later.
  private func adoptionFailed(_ result: SharedResult, number: Int64) {
    if let told = news[result.key], told.stamp == result.stamp { news[result.key] = nil }
    if failedAdoptions.count < Self.mostNews {
      failedAdoptions.append((result, number))
    } else {
      hasLostAdoptions = true
    }
  }

  /// Tries again what the disk did not take.
  func adoptAgain() {
    let failed = failedAdoptions
    failedAdoptions = []
    if hasLostAdoptions {
      hasLostAdoptions = false
      // It comes once more, as news or as corrections.
      member.rewind(to: durablePositions)
      tellAgain(after: 0)
    }
    for (result, number) in failed { adopt(result, number: number) }
  }

  /// Whether all that others told is on disk.
  var hasAdoptedAll: Bool {
    adoptionsUnderWay == 0 && adopting.isEmpty && deferred.isEmpty && failedAdoptions.isEmpty && !hasLostAdoptions
  }

  private func say(_ what: String, _ key: FleetKey) {
    guard problemsSaid.count < 1000, problemsSaid.insert(key.certificateID.hex + what).inserted else { return }
    parts.logger.log(
      .warning, .fleetContentRefused, "\(what)",
      [LogField.certificateID: "\(key.certificateID)", LogField.target: "\(key.target)"])
  }
}
