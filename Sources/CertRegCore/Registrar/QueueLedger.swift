/// What the registrations under way take of the queue: slots, shares of them, and how old they are.
struct QueueLedger: Sendable {
  /// A registration under way, as far as the queue's bounds are concerned.
  struct Entry: Sendable {
    var id: JobID
    /// See ``PendingRegistration/slots``.
    var slots: Int
    /// Name of the share that the slots count towards.
    var share: String?
    /// When the registration was asked for.
    var since: MonotonicTime
  }

  /// A registration that is older than allowed.
  struct Overdue: Sendable {
    var id: JobID
    fileprivate var since: MonotonicTime
  }

  private(set) var slots = 0
  private var shareSlots: [String: Int] = [:]
  private var present: Set<JobID> = []
  /// The oldest first. An entry that has ended stays until it comes to the front or is swept.
  private var ages = DeadlineQueue<JobID>()
  private var nextSequence: Int64 = 1

  /// How many ages are remembered, of which some may belong to registrations that ended.
  var ageCount: Int { ages.count }

  /// Why a new registration has to be refused; `nil`: there is a slot for it.
  ///
  /// - Parameters:
  ///   - limit: `queue.maxEntries`.
  ///   - share: The caller's share of the queue; `nil`: all of it.
  func refusal(limit: Int, share: Registrar.QueueShare?) -> ServiceError? {
    if slots >= limit { return .queueFull(limit: limit) }
    if let share, shareSlots[share.name, default: 0] >= share.limit { return .queueShareFull(limit: share.limit) }
    return nil
  }

  /// A number that no registration has had: greater than all before it, on disk and in memory.
  mutating func takeSequence() -> Int64 {
    defer { nextSequence += 1 }
    return nextSequence
  }

  /// Lets no number be taken that is not greater than `sequence`.
  mutating func reserve(upTo sequence: Int64) {
    nextSequence = max(nextSequence, sequence + 1)
  }

  mutating func add(_ entry: Entry) {
    present.insert(entry.id)
    slots += entry.slots
    if let share = entry.share { shareSlots[share, default: 0] += entry.slots }
    ages.insert(entry.id, due: entry.since)
  }

  mutating func remove(_ entry: Entry) {
    guard present.remove(entry.id) != nil else { return }
    slots -= entry.slots
    if let share = entry.share, let taken = shareSlots[share] {
      shareSlots[share] = taken > entry.slots ? taken - entry.slots : nil
    }
    ages.sweep(ifMoreThan: 2 * present.count + 64) { entry, _ in present.contains(entry) }
    dropEnded()
  }

  /// The oldest registration and when it was asked for.
  var oldest: (id: JobID, since: MonotonicTime)? {
    guard let first = ages.first, let since = ages.earliest else { return nil }
    return (first, since)
  }

  /// Takes out a registration that was asked for before `time`, the oldest first; `nil`: there is none.
  mutating func takeOverdue(before time: MonotonicTime) -> Overdue? {
    guard let since = ages.earliest, since < time, let id = ages.popDue(at: since) else { return nil }
    dropEnded()
    return Overdue(id: id, since: since)
  }

  /// Takes one back that cannot end now.
  mutating func putBack(_ overdue: Overdue) {
    ages.insert(overdue.id, due: overdue.since)
  }

  /// Keeps the front of the ages meaningful: `oldest` is a registration under way.
  private mutating func dropEnded() {
    while let first = ages.first, !present.contains(first), let due = ages.earliest {
      _ = ages.popDue(at: due)
    }
  }
}
