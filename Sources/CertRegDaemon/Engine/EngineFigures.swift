import CertRegCore

/// Figures of the engine, for `status` and `metrics`.
struct EngineReport: Sendable {
  var targets: [(name: TargetName, view: Registrar.TargetView)] = []
  var pending = 0
  var oldestPending: WallTime?
  var created = 0
  var existing = 0
  var failed = 0
  var calls = 0
  /// Why the store took no change last, until it takes one again.
  var storeError: StoreError?
  /// From the request to the end on disk, by outcome.
  var registrationTimes: [String: Histogram] = [:]
  var callTimes: [TargetName: Histogram] = [:]
  var commitTimes = Histogram()
}

/// Counts what the engine does, and times it.
struct EngineFigures {
  private var counts = EngineReport()
  /// When each registration that this process was asked for began, and when its call did.
  private var beginnings: [RegistrationKey: MonotonicTime] = [:]
  private var callBeginnings: [RegistrationKey: MonotonicTime] = [:]
  /// The configured targets, in the order in which they are reported.
  var targets: [TargetName] = []

  var storeError: StoreError? {
    get { counts.storeError }
    set { counts.storeError = newValue }
  }

  /// A request began a registration.
  mutating func began(_ key: RegistrationKey, at time: MonotonicTime) {
    beginnings[key] = time
  }

  /// A registration is gone without an end.
  mutating func forget(_ key: RegistrationKey) {
    beginnings[key] = nil
  }

  mutating func callBegan(_ key: RegistrationKey, at time: MonotonicTime) {
    counts.calls += 1
    callBeginnings[key] = time
  }

  mutating func callEnded(_ key: RegistrationKey, at time: MonotonicTime) {
    guard let begin = callBeginnings.removeValue(forKey: key) else { return }
    counts.callTimes[key.target, default: Histogram()].record(time - begin)
  }

  mutating func committed(_ commit: EndedCommit, at time: MonotonicTime) {
    counts.commitTimes.record(time - commit.begin)
  }

  /// A registration ended.
  ///
  /// - Returns: How long it took; `nil` where an earlier process was asked for it.
  mutating func ended(_ ending: Ending, at time: MonotonicTime) -> Duration? {
    let outcome: String
    switch ending {
    case .registered(let registration):
      outcome = registration.outcome.rawValue
      if registration.outcome == .created { counts.created += 1 } else { counts.existing += 1 }
    case .failed:
      outcome = "failed"
      counts.failed += 1
    }
    guard let begin = beginnings.removeValue(forKey: ending.key) else { return nil }
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
