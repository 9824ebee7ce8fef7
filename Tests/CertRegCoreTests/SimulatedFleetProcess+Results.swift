import CertRegTesting

@testable import CertRegCore

// The duties of `FleetLoop+Results` and `EngineLoop+Fleet`: results of this host and of others.
extension SimulatedFleetProcess {
  /// Tells the fleet what is on disk, page by page, as `FleetRetelling`.
  struct Retelling {
    enum Kind: Equatable {
      case untold
      case all(after: Int64)
    }

    static let pageSize = 3

    let kind: Kind
    let number: Int
    var cursor: RegistrationKey?
    var isPastNotes = false
    var isReading = false

    func wants(_ note: FleetNote) -> Bool {
      switch kind {
      case .untold: note.number == 0
      case .all(let number): note.number <= 0 || note.number > number || number == 0
      }
    }
  }

  func note(_ key: RegistrationKey, _ what: News.What) -> StoreChange {
    let shared = SimulatedFleetCoordinator.fleetKey(key)
    let stamp = machine.member.stamp(now.wall)
    adopting[shared] = nil
    if news.count < Self.mostNews || news[shared] != nil {
      news[shared] = News(stamp: stamp, what: what)
    } else {
      hasUntold = true
    }
    world.noted(shared, what == .forgotten, on: self)
    return .share(key, FleetNote(stamp: stamp, isForgotten: what == .forgotten, number: 0))
  }

  func note(answered id: JobID, _ registration: Registration) -> StoreChange? {
    guard let (result, told) = answered[id], told.finishedAt == registration.finishedAt,
      told.outcome == registration.outcome, told.status == registration.status, told.deviceID == registration.deviceID
    else { return nil }
    return .share(id.key, FleetNote(stamp: result.stamp, isForgotten: false, number: FleetNote.ofOthers))
  }

  /// A note is on disk, or the disk did not take it.
  func noted(_ change: StoreChange, isKept: Bool = true) {
    guard case .share(let stored, let note) = change, note.number == 0 else { return }
    let key = SimulatedFleetCoordinator.fleetKey(stored)
    guard news[key]?.stamp == note.stamp else { return }
    if isKept {
      machine.member.tell(key, stamp: note.stamp)
    } else {
      news[key] = nil
      hasUntold = true
    }
  }

  func registration(_ result: SharedResult) -> Registration? {
    guard let content = result.content else { return nil }
    return Registration(
      key: result.key.own, certificateARN: content.certificateARN, outcome: content.outcome, status: content.status,
      requestID: content.requestID, finishedAt: content.finishedAt, basis: content.basis, deviceID: content.deviceID)
  }

  /// Whether what the database knows may answer a request: nothing that this host knows is newer.
  func check(_ result: SharedResult, body: @escaping (SimulatedFleetProcess, Registration?) -> Void) {
    unsettled[result.key, default: 0] += 1
    after(.microseconds(world.some(20...3000))) { process in
      let note = try? process.host.store.fleetNote(of: result.key.own)
      let isOutdated = note.map { $0.stamp > result.stamp } ?? false
      let isBeingOutdated = process.news[result.key].map { $0.stamp > result.stamp } ?? false
      body(process, isOutdated || isBeingOutdated ? nil : process.registration(result))
      process.settled(result.key)
    }
  }

  private func settled(_ key: FleetKey) {
    let left = (unsettled[key] ?? 1) - 1
    unsettled[key] = left > 0 ? left : nil
    if left == 0, !registrar.hasJob(of: key.own) { adoptDeferred(key) }
  }

  func adoptDeferred(_ key: FleetKey) {
    if let left = deferred.removeValue(forKey: key) { adopt(left.result, number: left.number) }
  }

  private func adoptLater(_ result: SharedResult, number: Int64) {
    guard deferred[result.key].map({ $0.result.stamp <= result.stamp }) ?? true else { return }
    deferred[result.key] = (result, number)
    if result.mayBeRevocation { perform(registrar.mayBeRevoked(result.key.own, now: now)) }
  }

  func takeOver(_ row: FleetReply.Row) {
    guard let pending = world.pending(row.request, row.key.own) else { return world.violate(.unreadableRow) }
    let (job, isStored, actions) = registrar.adopt(pending, now: now)
    machine.member.resume(job, row.key, now: now)
    if isStored { machine.member.took(row.id) } else { takenRows[job, default: []].append(row.id) }
    world.tookOver(row, self)
    perform(actions)
  }

  func isStored(_ id: JobID) {
    for row in takenRows.removeValue(forKey: id) ?? [] { machine.member.took(row) }
  }

  func adopt(_ result: SharedResult, number: Int64) {
    guard adopting[result.key].map({ $0.stamp <= result.stamp && $0 != result }) ?? true else { return }
    adopting[result.key] = result
    after(.microseconds(world.some(100...20_000))) { process in
      let isNews = process.isOlder(than: result)
      let isKnown = (try? process.host.store.registration(for: result.key.own)) != nil
      let completed = process.completed(result)
      process.after(.microseconds(process.world.some(10...3000))) { process in
        guard process.adopting[result.key] == result else { return }
        process.adopting[result.key] = nil
        guard isNews else {
          let isComing = process.registrar.hasJob(of: result.key.own) || process.unsettled[result.key] != nil
          if !isKnown, isComing { process.adoptLater(result, number: number) }
          return
        }
        process.adopt(completed, process.registration(completed), number: completed == result ? number : 0)
      }
    }
  }

  private func isOlder(than result: SharedResult) -> Bool {
    let key = result.key.own
    guard let registration = try? host.store.registration(for: key) else { return false }
    let note = try? host.store.fleetNote(of: key)
    if let note, note.stamp > result.stamp { return false }
    guard let content = result.content else { return true }
    return note?.stamp != result.stamp || registration.outcome != content.outcome
      || registration.status != content.status || registration.certificateARN != content.certificateARN
  }

  /// With what this host knows better.
  private func completed(_ result: SharedResult) -> SharedResult {
    guard let own = try? host.store.registration(for: result.key.own) else { return result }
    var completed = result
    if own.outcome == .created { completed.content?.outcome = .created }
    completed.content?.certificateARN = result.content?.certificateARN ?? own.certificateARN
    return completed
  }

  func adopt(
    _ result: SharedResult, _ registration: Registration?, isAsked: Bool = false,
    number: Int64 = FleetNote.ofOthers
  ) {
    let key = result.key.own
    guard isAsked || !registrar.hasJob(of: key) else { return adoptLater(result, number: number) }
    let note = FleetNote(stamp: result.stamp, isForgotten: registration == nil, number: number)
    guard let registration else {
      memory[key] = nil
      adoptionBegins(result)
      return commit([.forget(key), .share(key, note)]) { process, isKept in
        process.adoptionEnded(result, number: number, isKept: isKept)
        process.memory[key] = nil
      }
    }
    if isAsked { memory[key] = registration }
    let told = number == 0 ? self.note(completed: result, registration) : nil
    adoptionBegins(result)
    commit([.keep(registration, nil), told ?? .share(key, note)]) { process, isKept in
      process.adoptionEnded(result, number: number, isKept: isKept)
      guard isKept else {
        if isAsked { process.memory[key] = nil }
        return
      }
      if let told { process.noted(told) }
      process.memory[key] = registration
    }
  }

  private func adoptionBegins(_ result: SharedResult) {
    adoptionsUnderWay += 1
    unsettled[result.key, default: 0] += 1
  }

  private func adoptionEnded(_ result: SharedResult, number: Int64, isKept: Bool) {
    adoptionsUnderWay -= 1
    if !isKept { adoptionFailed(result, number: number) }
    settled(result.key)
  }

  private func adoptionFailed(_ result: SharedResult, number: Int64) {
    if let told = news[result.key], told.stamp == result.stamp { news[result.key] = nil }
    if failedAdoptions.count < Self.mostNews {
      failedAdoptions.append((result, number))
    } else {
      hasLostAdoptions = true
    }
  }

  func adoptAgain() {
    let failed = failedAdoptions
    failedAdoptions = []
    if hasLostAdoptions {
      hasLostAdoptions = false
      machine.member.rewind(to: durablePositions)
      tellAgain(after: 0)
    }
    for (result, number) in failed { adopt(result, number: number) }
  }

  var hasAdoptedAll: Bool {
    adoptionsUnderWay == 0 && adopting.isEmpty && deferred.isEmpty && failedAdoptions.isEmpty && !hasLostAdoptions
  }

  private func note(completed result: SharedResult, _ registration: Registration) -> StoreChange {
    if news.count < Self.mostNews || news[result.key] != nil {
      news[result.key] = News(stamp: result.stamp, what: .result(registration))
    } else {
      hasUntold = true
    }
    return .share(result.key.own, FleetNote(stamp: result.stamp, isForgotten: false, number: 0))
  }

  // MARK: Telling again

  func tellAgain(after number: Int64) {
    for index in failedAdoptions.indices { failedAdoptions[index].number = 0 }
    for key in deferred.keys { deferred[key]?.number = 0 }
    tellsOnceMore = adoptionsUnderWay > 0 || !adopting.isEmpty
    let least = min(number, writtenFile.untoldAfter ?? number)
    beginRetelling(.all(after: least))
    isToldAgain = false
    writeFile(untoldAfter: least)
  }

  func beginRetelling(_ kind: Retelling.Kind) {
    lastRetelling += 1
    retelling = Retelling(kind: kind, number: lastRetelling)
  }

  func retellMore() {
    if hasUntold, retelling == nil, machine.member.isJoined, news.count < Self.mostNews / 2 {
      hasUntold = false
      beginRetelling(.untold)
    }
    guard !isWriting || isFileFailing, let retelling, machine.member.isJoined,
      machine.member.untold < Retelling.pageSize,
      !retelling.isReading
    else { return }
    self.retelling?.isReading = true
    after(.microseconds(world.some(100...5000))) { process in
      let (told, next) = process.nextPage(retelling)
      process.after(.microseconds(process.world.some(10...3000))) { $0.retold(told, retelling, next) }
    }
  }

  private typealias Told = (key: RegistrationKey, note: FleetNote, isNew: Bool)

  private func nextPage(_ retelling: Retelling) -> (told: [Told], next: Retelling?) {
    var next = retelling
    if !retelling.isPastNotes {
      let notes = (try? host.store.fleetNotes(after: retelling.cursor, limit: Retelling.pageSize)) ?? []
      next.cursor = notes.last?.key
      next.isPastNotes = notes.isEmpty
      return (notes.filter { retelling.wants($0.note) }.map { ($0.key, $0.note, false) }, next)
    }
    let keys = (try? host.store.unsharedKeys(after: retelling.cursor, limit: Retelling.pageSize)) ?? []
    guard let last = keys.last else { return ([], nil) }
    next.cursor = last
    let told = keys.compactMap { key -> Told? in
      guard let registration = try? host.store.registration(for: key) else { return nil }
      return (
        key, FleetNote(stamp: registration.finishedAt.microsecondsSinceEpoch, isForgotten: false, number: 0), true
      )
    }
    return (told, next)
  }

  private func retold(_ told: [Told], _ read: Retelling, _ next: Retelling?) {
    var changes: [StoreChange] = []
    for (key, note, isNew) in told {
      let shared = SimulatedFleetCoordinator.fleetKey(key)
      guard news[shared].map({ $0.stamp < note.stamp }) ?? true else { continue }
      if isNew { changes.append(.share(key, note)) }
      news[shared] = News(stamp: note.stamp, what: note.isForgotten ? .forgotten : .onDisk)
      machine.member.tell(shared, stamp: note.stamp)
    }
    if !changes.isEmpty { commit(changes) { _, _ in } }
    guard retelling?.number == read.number else { return }
    retelling = next
    retelling?.isReading = false
    if next == nil, read.kind != .untold { isToldAgain = true }
  }
}
