import CertRegCore

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
    /// Distinguishes the rows of one certificate in the whole simulation.
    var serial: Int
    /// Whether a result was known when the row was written.
    var hadResult: Bool
    /// Whether a call may have taken effect without an answer.
    var isAmbiguous = false
  }

  var isWell = true
  private(set) var rows: [RegistrationKey: Row] = [:]
  private(set) var results: [RegistrationKey: Registration] = [:]
  private(set) var failures: Set<RegistrationKey> = []
  var commits: [(id: SimulatedCore.CommitID, changes: [StoreChange])] = []
  private var rowsWritten = 0

  mutating func apply(_ change: StoreChange) {
    switch change {
    case .enqueue(let pending):
      rowsWritten += 1
      rows[pending.key] = Row(pending: pending, serial: rowsWritten, hadResult: results[pending.key] != nil)
    case .markCallStarted(let key): rows[key]?.pending.callStarted = true
    case .noteAttempt(let key, let attempts, let error):
      rows[key]?.pending.attempts = attempts
      rows[key]?.pending.lastError = error
    case .noteProgress(let key, let facts): rows[key]?.pending.facts = facts
    case .complete(let registration):
      rows[registration.key] = nil
      results[registration.key] = registration
    case .fail(let failure):
      rows[failure.key] = nil
      failures.insert(failure.key)
    case .nameDevice(let key, let name): rows[key]?.pending.deviceID = name
    case .dequeue(let key): rows[key] = nil
    case .forget(let key): results[key] = nil
    }
  }

  /// An answer was lost: the call may have taken effect.
  mutating func noteLostAnswer(_ key: RegistrationKey) { rows[key]?.isAmbiguous = true }

  /// The process dies. Each call that is recorded on disk may have been made.
  mutating func crash() {
    commits = []
    for key in rows.keys where rows[key]?.pending.callStarted == true { rows[key]?.isAmbiguous = true }
  }

  /// The queue in order of arrival.
  var pendingRegistrations: [PendingRegistration] {
    rows.values.map(\.pending).sorted { $0.sequence < $1.sequence }
  }
}
