package import CertRegCore

/// The content of a store after a series of changes, as dictionaries. It states what `StoreChange` means: tests compare
/// real stores with it, and stores in memory consist of it.
package struct StoreModel: Sendable {
  /// Jobs that have not ended.
  package private(set) var queue: [JobID: PendingRegistration] = [:]
  /// Results.
  package private(set) var results: [RegistrationKey: Registration] = [:]
  /// Failures.
  package private(set) var failures: [RegistrationKey: FailedRegistration] = [:]
  /// The certificates whose failure is that of the job that left the result.
  private var besideResults: Set<RegistrationKey> = []
  private var names: [RegistrationKey: DeviceID] = [:]
  /// What a fleet was told.
  package private(set) var notes: [RegistrationKey: FleetNote] = [:]

  package init() {}

  /// Carries out one change.
  package mutating func apply(_ change: StoreChange) {
    switch change {
    case .enqueue(var pending):
      pending.deviceID = pending.deviceID ?? names[pending.key]
      queue[pending.id] = pending
      if let name = pending.deviceID { nameDevice(pending.key, name) }
    case .markCallStarted(let id): queue[id]?.callStarted = true
    case .noteAttempt(let id, let attempts, let error):
      queue[id]?.attempts = attempts
      queue[id]?.lastError = error
    case .noteProgress(let id, let facts):
      queue[id]?.facts = facts
      queue[id]?.callStarted = false
    case .complete(let id, let registration):
      queue[id] = nil
      var kept = registration.leavesFailure ? withFailure(registration) : registration
      if let earlier = results[registration.key] {
        kept.asked = earlier.asked?.left(by: kept, after: earlier.status)
      }
      keep(kept)
      dropName(id.key)
    case .setStatus(let id, let update):
      queue[id] = nil
      keep(withFailure(update.applied(to: results[update.key])))
      dropName(id.key)
    case .fail(let id, let failure):
      let key = failure.key
      queue[id] = nil
      if failure.isGone, results.removeValue(forKey: key) != nil {
        failures[key] = nil
        besideResults.remove(key)
      }
      if !failure.isGone, failure.statusIsInDoubt, let doubtful = failure.applied(to: results[key]) {
        keep(withFailure(doubtful))
      } else if failure.isKept {
        failures[key] = FailedRegistration(
          key: key, error: failure.error, attempts: failure.attempts, finishedAt: failure.finishedAt,
          requester: failure.requester, deviceID: failure.deviceID)
        besideResults.remove(key)
      }
      if failure.isKept, let name = failure.deviceID ?? names[key] { nameDevice(key, name) }
      dropName(id.key)
      if failure.isGone { dropName(key) }
    case .keep(let registration, _): keep(registration)
    case .doubtStatus(let key, _, let time):
      guard var doubtful = results[key] else { return }
      doubtful.status = nil
      doubtful.finishedAt = time
      keep(withFailure(doubtful))
    case .nameDevice(let key, let name): nameDevice(key, name)
    case .forget(let key):
      results[key] = nil
      failures[key] = nil
      dropName(key)
    case .share(let key, let note):
      if note.stamp >= notes[key]?.stamp ?? .min { notes[key] = note }
    }
  }

  /// The result with the failure beside it, if that stays when the status changes.
  private func withFailure(_ registration: Registration) -> Registration {
    var result = registration
    if besideResults.contains(registration.key), let failure = failures[registration.key], failure.outlastsUpdate {
      result.failure = failure
    }
    return result
  }

  private mutating func keep(_ registration: Registration) {
    let key = registration.key
    failures[key] = registration.failure
    failures[key]?.key = key
    results[key] = registration
    results[key]?.failure = nil
    results[key]?.leavesFailure = false
    if registration.failure == nil { besideResults.remove(key) } else { besideResults.insert(key) }
    if let name = registration.deviceID ?? names[key] { nameDevice(key, name) }
  }

  /// A device whose certificate nothing is known of has no name.
  private mutating func dropName(_ key: RegistrationKey) {
    if record(for: key) == nil, !queue.values.contains(where: { $0.key == key }) { names[key] = nil }
  }

  /// A device has one name, whatever is known of its certificate.
  private mutating func nameDevice(_ key: RegistrationKey, _ name: DeviceID) {
    names[key] = name
    for id in queue.keys where id.key == key { queue[id]?.deviceID = name }
    results[key]?.deviceID = name
    results[key]?.deviceTag = name.tag
    failures[key]?.deviceID = name
  }

  /// The record under `key`, not counting the queue. A result goes before a failure of another job.
  package func record(for key: RegistrationKey) -> StoredRecord? {
    guard let result = results[key] else { return failures[key].map { .failed($0) } }
    guard besideResults.contains(key), var failure = failures[key] else { return .registered(result) }
    failure.deviceID = result.deviceID
    failure.registered = result
    return .failed(failure)
  }

  /// The queue in order of arrival.
  package var pendingRegistrations: [PendingRegistration] {
    queue.values.sorted { $0.sequence < $1.sequence }
  }
}
