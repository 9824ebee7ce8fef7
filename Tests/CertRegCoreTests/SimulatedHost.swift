import CertRegCore
import CertRegTesting

/// The clocks of a host. Without a battery the wall clock starts in 1970 and jumps when the network's time comes.
struct SimulatedClock {
  private static let startOfSimulation = WallTime(secondsSinceEpoch: 1_800_000_000)

  private var elapsed = Duration.zero
  private var bootedAt = Duration.zero
  private(set) var isSet = true

  var now: Moment {
    let uptime = elapsed - bootedAt
    return Moment(
      monotonic: MonotonicTime(nanoseconds: 0) + uptime,
      wall: isSet ? Self.startOfSimulation + elapsed : WallTime(secondsSinceEpoch: 0) + uptime)
  }

  mutating func advance(by duration: Duration) { elapsed += duration }

  /// The host starts again, and its monotonic clock with it.
  mutating func reboot(isSet: Bool) {
    bootedAt = elapsed
    self.isSet = isSet
  }

  mutating func networkTimeCame() { isSet = true }
}

/// The database, which survives a crash, and the commits under way, which do not.
struct SimulatedDisk {
  struct Row {
    var pending: PendingRegistration
    var history: History
  }

  struct History {
    /// Whether a result was known when the row was written.
    var hadResult: Bool
    /// Whether a call may have taken effect without an answer.
    var isAmbiguous = false
  }

  var isWell = true
  private var content = StoreModel()
  /// Of all jobs that were ever queued.
  private var histories: [JobID: History] = [:]
  /// A number above that of every job that was ever queued.
  private(set) var nextSequence: Int64 = 1
  var commits: [(id: SimulatedCore.CommitID, changes: [StoreChange])] = []

  mutating func apply(_ change: StoreChange) {
    if case .enqueue(let pending) = change {
      nextSequence = max(nextSequence, pending.sequence + 1)
      histories[pending.id] = History(hadResult: content.results[pending.key] != nil)
    }
    content.apply(change)
  }

  var results: [RegistrationKey: Registration] { content.results }

  /// What comes of a request, as far as the disk knows.
  func decide(
    _ wish: KnownResults.Wish, on key: RegistrationKey, timeToLive: Duration?, now: WallTime
  ) -> KnownResults.Decision {
    let store = MemoryStore()
    if let known = results[key] { store.commit([.keep(known, nil)]) { _ in } }
    let known = KnownResults(memory: ResultCache(maxEntries: 1), store: store, timeToLive: timeToLive)
    let rules = AnswerRules(
      policyFingerprint: VerdictBasis.anyTime.policyFingerprint, rejectsNotYetValid: false, rejectsExpired: false)
    return (try? known.decide(wish, on: key, under: rules, now: now)) ?? .ask(earlier: nil)
  }

  /// The result, or the failure beside it.
  func record(for key: RegistrationKey) -> StoredRecord? { content.record(for: key) }

  var isQueueEmpty: Bool { content.queue.isEmpty }

  /// The row of a job.
  func row(_ id: JobID) -> Row? {
    guard let pending = content.queue[id], pending.key == id.key, let history = histories[id] else { return nil }
    return Row(pending: pending, history: history)
  }

  /// The rows of a certificate.
  func rows(of key: RegistrationKey) -> [PendingRegistration] { content.queue.values.filter { $0.key == key } }

  /// An answer was lost: the call may have taken effect.
  mutating func noteLostAnswer(_ id: JobID) { histories[id]?.isAmbiguous = true }

  /// The process dies. Each call that is recorded on disk may have been made.
  mutating func crash() {
    commits = []
    for (id, pending) in content.queue where pending.callStarted { histories[id]?.isAmbiguous = true }
  }

  /// The queue in order of arrival.
  var pendingRegistrations: [PendingRegistration] { content.pendingRegistrations }
}
