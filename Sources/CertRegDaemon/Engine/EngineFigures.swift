import CertRegCore

/// Figures of the engine, for `status` and `metrics`.
struct EngineReport: Sendable {
  var targets: [(name: TargetName, view: Registrar.TargetView)] = []
  var pending = 0
  var oldestPending: WallTime?
  var created = 0
  var existing = 0
  var failed = 0
  /// Statuses that were set, and that could not be set, at requests of their own.
  var updated = 0
  var updatesFailed = 0
  /// Steps behind the registration that failed for good, by operation.
  var failedSteps: [String: Int] = [:]
  /// Calls by operation.
  var calls: [UpstreamOperation: Int] = [:]
  /// Why the store took no change last, until it takes one again.
  var storeError: StoreError?
  /// From the request to the end on disk, by outcome.
  var registrationTimes: [String: Histogram] = [:]
  var callTimes: [TargetName: Histogram] = [:]
  var commitTimes = Histogram()
  /// `nil`: there is no fleet.
  var fleet: FleetReport?

  /// Calls of all operations.
  var callCount: Int { calls.values.reduce(0, +) }
}

/// Counts what the engine does, and times it.
struct EngineFigures {
  private var counts = EngineReport()
  /// When each job that this process was asked for began, and when its call did.
  private var beginnings: [JobID: MonotonicTime] = [:]
  private var callBeginnings: [JobID: (operation: UpstreamOperation, time: MonotonicTime)] = [:]
  /// The configured targets, in the order in which they are reported.
  var targets: [TargetName] = []

  var storeError: StoreError? {
    get { counts.storeError }
    set { counts.storeError = newValue }
  }

  /// A request began a job.
  mutating func began(_ id: JobID, at time: MonotonicTime) {
    beginnings[id] = time
  }

  /// A job is gone without an end.
  mutating func forget(_ id: JobID) {
    beginnings[id] = nil
  }

  mutating func callBegan(_ id: JobID, _ operation: UpstreamOperation, at time: MonotonicTime) {
    counts.calls[operation, default: 0] += 1
    callBeginnings[id] = (operation, time)
  }

  mutating func callEnded(_ id: JobID, at time: MonotonicTime) {
    guard let begin = callBeginnings.removeValue(forKey: id) else { return }
    counts.callTimes[id.target, default: Histogram()].record(time - begin.time)
  }

  /// A call was not made after all.
  mutating func callDropped(_ id: JobID) {
    guard let begin = callBeginnings.removeValue(forKey: id) else { return }
    counts.calls[begin.operation, default: 0] -= 1
  }

  mutating func committed(_ commit: EndedCommit, at time: MonotonicTime) {
    counts.commitTimes.record(time - commit.begin)
  }

  /// A job ended.
  ///
  /// - Returns: How long it took; `nil` where an earlier process was asked for it.
  mutating func ended(_ id: JobID, _ ending: Ending, at time: MonotonicTime) -> Duration? {
    let outcome: String
    switch ending {
    case .updated:
      counts.updated += 1
      return beginnings.removeValue(forKey: id).map { time - $0 }
    case .failed(let failure) where failure.purpose == .update:
      counts.updatesFailed += 1
      return beginnings.removeValue(forKey: id).map { time - $0 }
    case .registered(let registration):
      outcome = registration.outcome.rawValue
      if registration.outcome == .created { counts.created += 1 } else { counts.existing += 1 }
    case .failed(let failure):
      if let step = failure.error.failedStep { counts.failedSteps[step.operation, default: 0] += 1 }
      outcome = "failed"
      counts.failed += 1
    }
    guard let begin = beginnings.removeValue(forKey: id) else { return nil }
    counts.registrationTimes[outcome, default: Histogram()].record(time - begin)
    return time - begin
  }

  func report(of registrar: Registrar, now: MonotonicTime) -> EngineReport {
    var report = counts
    report.targets = targets.compactMap { name in registrar.target(name, now: now).map { (name, $0) } }
    report.pending = registrar.pendingCount
    report.oldestPending = registrar.oldestPending
    return report
  }
}
