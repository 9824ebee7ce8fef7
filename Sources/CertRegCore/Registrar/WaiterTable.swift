/// The callers that wait for an answer, by their number and by the job they wait for.
struct WaiterTable: Sendable {
  struct Waiter: Sendable {
    var id: Registrar.WaiterID
    var job: JobID
    /// The status that the caller named.
    var namedStatus: CertificateStatus?
    var ifExists: IfExists
    /// Whether the caller asked for a device, and not only for a registration.
    var wantsDevice = false
    var expectation: Registrar.Expectation
    /// How many of the names that its job was given have to be on disk before it has an answer.
    var namesNeeded = 0

    /// Whether it waits for the end of the registration, and not only for the disk.
    var isAwaiting: Bool { expectation != .queued }
  }

  /// The waiters of one registration. Thousands may wait for one certificate, so that another caller's request does not
  /// look at all of them.
  fileprivate struct Group: Sendable {
    var ids: Set<Registrar.WaiterID> = []
    var awaiting = 0
    /// Those that wait for the disk only, and for no name that is not there yet.
    var forDisk: Set<Registrar.WaiterID> = []
    /// Those that depend on a name that was not on disk when they came, by its number.
    var byName: [Int: Set<Registrar.WaiterID>] = [:]
    /// Nobody in `byName` waits only for the disk and for a name up to this number.
    var names = 0
  }

  private var waiters: [Registrar.WaiterID: Waiter] = [:]
  private var groups: [JobID: Group] = [:]
  /// By certificate and target, how many callers wait for the end of a job.
  private var awaiting: [RegistrationKey: Int] = [:]

  var isEmpty: Bool { waiters.isEmpty }
  var count: Int { waiters.count }

  /// Whether the waiter has no answer yet.
  func contains(_ id: Registrar.WaiterID) -> Bool { waiters[id] != nil }

  /// Whether a caller waits for the end of the registration or for the disk.
  func hasWaiters(_ id: JobID) -> Bool { groups[id] != nil }

  /// Whether a caller waits for the end of the registration.
  func isAwaited(_ id: JobID) -> Bool { (groups[id]?.awaiting ?? 0) > 0 }

  /// Whether a caller waits for the end of any job of the certificate.
  func isAwaited(_ key: RegistrationKey) -> Bool { awaiting[key] != nil }

  /// Whether a caller waits for the disk only.
  func isForDisk(_ id: JobID) -> Bool { groups[id].map { $0.awaiting < $0.ids.count } ?? false }

  mutating func add(_ waiter: Waiter) {
    waiters[waiter.id] = waiter
    groups[waiter.job, default: Group()].add(waiter)
    if waiter.isAwaiting { awaiting[waiter.job.key, default: 0] += 1 }
  }

  /// Removes one waiter; `nil` if it has its answer already.
  mutating func remove(_ id: Registrar.WaiterID) -> Waiter? {
    guard let waiter = waiters.removeValue(forKey: id) else { return nil }
    groups[waiter.job]?.remove(waiter)
    if waiter.isAwaiting { forgetAwaiting(1, waiter.job.key) }
    if groups[waiter.job]?.ids.isEmpty == true { groups[waiter.job] = nil }
    return waiter
  }

  /// Removes all waiters of a job, in order of arrival.
  mutating func removeAll(of job: JobID) -> [Waiter] {
    guard let group = groups.removeValue(forKey: job) else { return [] }
    forgetAwaiting(group.awaiting, job.key)
    let ids = group.ids.count < 2 ? Array(group.ids) : group.ids.sorted()
    return ids.compactMap { waiters.removeValue(forKey: $0) }
  }

  /// Removes those waiters of a job that need no more than `names` names on disk and that `isMeant` holds for, in order
  /// of arrival.
  mutating func remove(of job: JobID, names: Int, where isMeant: (Waiter) -> Bool) -> [Waiter] {
    guard let group = groups[job] else { return [] }
    return remove(group.ids) { $0.namesNeeded <= names && isMeant($0) }
  }

  /// Removes those waiters of a job that depend on one of its names and that `isMeant` holds for, in order of arrival.
  ///
  /// - Parameter number: The name, the last one that is on disk or was refused there.
  mutating func remove(of job: JobID, dependingOnName number: Int, where isMeant: (Waiter) -> Bool) -> [Waiter] {
    guard let ids = groups[job]?.byName[number] else { return [] }
    return remove(ids, where: isMeant)
  }

  private mutating func remove(_ ids: Set<Registrar.WaiterID>, where isMeant: (Waiter) -> Bool) -> [Waiter] {
    ids.filter { waiters[$0].map(isMeant) ?? false }.sorted().compactMap { remove($0) }
  }

  /// Removes the waiters of a job that wait only for the disk and need no more than `names` names there, in order of
  /// arrival.
  mutating func removeThoseForDisk(of job: JobID, names: Int) -> [Waiter] {
    guard isForDisk(job), let ids = groups[job]?.takeThoseForDisk(names: names, waiters) else { return [] }
    return ids.sorted().compactMap { remove($0) }
  }

  /// Removes all waiters of all jobs, in order of arrival.
  mutating func removeAll() -> [Waiter] {
    defer { self = WaiterTable() }
    return waiters.values.sorted { $0.id < $1.id }
  }

  private mutating func forgetAwaiting(_ count: Int, _ key: RegistrationKey) {
    guard count > 0, let present = awaiting[key] else { return }
    awaiting[key] = present > count ? present - count : nil
  }
}

extension WaiterTable.Group {
  fileprivate mutating func add(_ waiter: WaiterTable.Waiter) {
    ids.insert(waiter.id)
    if waiter.isAwaiting { awaiting += 1 }
    // Names are given one after the other: nobody depends on those before the first one that somebody depends on.
    if byName.isEmpty { names = max(names, waiter.namesNeeded - 1) }
    if waiter.namesNeeded > names {
      byName[waiter.namesNeeded, default: []].insert(waiter.id)
    } else if !waiter.isAwaiting {
      forDisk.insert(waiter.id)
    }
  }

  fileprivate mutating func remove(_ waiter: WaiterTable.Waiter) {
    ids.remove(waiter.id)
    if waiter.isAwaiting { awaiting -= 1 }
    forDisk.remove(waiter.id)
    byName[waiter.namesNeeded]?.remove(waiter.id)
    if byName[waiter.namesNeeded]?.isEmpty == true { byName[waiter.namesNeeded] = nil }
  }

  /// Those that wait only for the disk and depend on no name beyond the first `count`.
  fileprivate mutating func takeThoseForDisk(
    names count: Int, _ waiters: [Registrar.WaiterID: WaiterTable.Waiter]
  ) -> Set<Registrar.WaiterID> {
    while names < count {
      names += 1
      guard let dependants = byName[names] else { continue }
      let ids = dependants.filter { waiters[$0]?.isAwaiting == false }
      forDisk.formUnion(ids)
      byName[names] = ids.count < dependants.count ? dependants.subtracting(ids) : nil
    }
    return forDisk
  }
}
