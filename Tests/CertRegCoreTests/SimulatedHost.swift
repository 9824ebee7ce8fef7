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
    /// Distinguishes the rows of one certificate in the whole simulation.
    var serial: Int
    /// Whether a result was known when the row was written.
    var hadResult: Bool
    /// Whether a call may have taken effect without an answer.
    var isAmbiguous = false
  }

  var isWell = true
  private var content = StoreModel()
  /// Of all registrations that were ever queued.
  private var histories: [RegistrationKey: History] = [:]
  var commits: [(id: SimulatedCore.CommitID, changes: [StoreChange])] = []
  private var rowsWritten = 0

  mutating func apply(_ change: StoreChange) {
    if case .enqueue(let pending) = change {
      rowsWritten += 1
      histories[pending.key] = History(serial: rowsWritten, hadResult: content.results[pending.key] != nil)
    }
    content.apply(change)
  }

  var results: [RegistrationKey: Registration] { content.results }

  var isQueueEmpty: Bool { content.queue.isEmpty }

  /// The row of the queue under `key`.
  func row(_ key: RegistrationKey) -> Row? {
    guard let pending = content.queue[key], let history = histories[key] else { return nil }
    return Row(pending: pending, history: history)
  }

  /// An answer was lost: the call may have taken effect.
  mutating func noteLostAnswer(_ key: RegistrationKey) { histories[key]?.isAmbiguous = true }

  /// The process dies. Each call that is recorded on disk may have been made.
  mutating func crash() {
    commits = []
    for (key, pending) in content.queue where pending.callStarted { histories[key]?.isAmbiguous = true }
  }

  /// The queue in order of arrival.
  var pendingRegistrations: [PendingRegistration] { content.pendingRegistrations }
}
