/// The callers that wait for an answer, by their number and by the registration they wait for.
struct WaiterTable: Sendable {
  struct Waiter: Sendable {
    var id: Registrar.WaiterID
    var key: RegistrationKey
    /// The status that the caller named.
    var namedStatus: CertificateStatus?
    var ifExists: IfExists
    var expectation: Registrar.Expectation

    /// Whether it waits for the end of the registration, and not only for the disk.
    var isAwaiting: Bool { expectation != .queued }
  }

  /// The waiters of one registration.
  private struct Group: Sendable {
    var ids: Set<Registrar.WaiterID> = []
    var awaiting = 0
  }

  private var waiters: [Registrar.WaiterID: Waiter] = [:]
  private var groups: [RegistrationKey: Group] = [:]

  var isEmpty: Bool { waiters.isEmpty }
  var count: Int { waiters.count }

  /// Whether the waiter has no answer yet.
  func contains(_ id: Registrar.WaiterID) -> Bool { waiters[id] != nil }

  /// Whether a caller waits for the end of the registration or for the disk.
  func hasWaiters(_ key: RegistrationKey) -> Bool { groups[key] != nil }

  /// Whether a caller waits for the end of the registration.
  func isAwaited(_ key: RegistrationKey) -> Bool { (groups[key]?.awaiting ?? 0) > 0 }

  mutating func add(_ waiter: Waiter) {
    waiters[waiter.id] = waiter
    groups[waiter.key, default: Group()].ids.insert(waiter.id)
    if waiter.isAwaiting { groups[waiter.key]?.awaiting += 1 }
  }

  /// Removes one waiter; `nil` if it has its answer already.
  mutating func remove(_ id: Registrar.WaiterID) -> Waiter? {
    guard let waiter = waiters.removeValue(forKey: id) else { return nil }
    groups[waiter.key]?.ids.remove(id)
    if waiter.isAwaiting { groups[waiter.key]?.awaiting -= 1 }
    if groups[waiter.key]?.ids.isEmpty == true { groups[waiter.key] = nil }
    return waiter
  }

  /// Removes all waiters of a registration, in order of arrival.
  mutating func removeAll(of key: RegistrationKey) -> [Waiter] {
    guard let group = groups.removeValue(forKey: key) else { return [] }
    let ids = group.ids.count < 2 ? Array(group.ids) : group.ids.sorted()
    return ids.compactMap { waiters.removeValue(forKey: $0) }
  }

  /// Removes the waiters of a registration that wait only for the disk, in order of arrival.
  mutating func removeThoseForDisk(of key: RegistrationKey) -> [Waiter] {
    guard let group = groups[key], group.awaiting < group.ids.count else { return [] }
    return group.ids.filter { waiters[$0]?.isAwaiting == false }.sorted().compactMap { remove($0) }
  }

  /// Removes all waiters of all registrations, in order of arrival.
  mutating func removeAll() -> [Waiter] {
    defer {
      waiters = [:]
      groups = [:]
    }
    return waiters.values.sorted { $0.id < $1.id }
  }
}
