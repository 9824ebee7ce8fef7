package import CertRegCore

/// The content of a store after a series of changes, as dictionaries. It states what `StoreChange` means: tests compare
/// real stores with it, and stores in memory consist of it.
package struct StoreModel: Sendable {
  /// Registrations that have not ended.
  package private(set) var queue: [RegistrationKey: PendingRegistration] = [:]
  /// Results.
  package private(set) var results: [RegistrationKey: Registration] = [:]
  /// Failures.
  package private(set) var failures: [RegistrationKey: FailedRegistration] = [:]
  private var names: [RegistrationKey: DeviceID] = [:]

  package init() {}

  /// Carries out one change.
  package mutating func apply(_ change: StoreChange) {
    switch change {
    case .enqueue(var pending):
      let key = pending.key
      pending.deviceID = pending.deviceID ?? names[key]
      queue[key] = pending
      if let name = pending.deviceID { nameDevice(key, name) }
    case .markCallStarted(let key): queue[key]?.callStarted = true
    case .noteAttempt(let key, let attempts, let error):
      queue[key]?.attempts = attempts
      queue[key]?.lastError = error
    case .noteProgress(let key, let facts):
      queue[key]?.facts = facts
      queue[key]?.callStarted = false
    case .complete(let registration):
      let key = registration.key
      queue[key] = nil
      failures[key] = nil
      results[key] = registration
      if let name = registration.deviceID ?? names[key] { nameDevice(key, name) }
    case .fail(let failure):
      let key = failure.key
      queue[key] = nil
      failures[key] = failure
      if let name = failure.deviceID ?? names[key] { nameDevice(key, name) }
    case .nameDevice(let key, let name): nameDevice(key, name)
    case .dequeue(let key):
      queue[key] = nil
      if record(for: key) == nil { names[key] = nil }
    case .forget(let key):
      results[key] = nil
      failures[key] = nil
      if queue[key] == nil { names[key] = nil }
    }
  }

  /// A device has one name, whatever is known of its certificate.
  private mutating func nameDevice(_ key: RegistrationKey, _ name: DeviceID) {
    names[key] = name
    queue[key]?.deviceID = name
    results[key]?.deviceID = name
    results[key]?.deviceTag = name.tag
    failures[key]?.deviceID = name
  }

  /// The record under `key`, not counting the queue. A result goes before a failure.
  package func record(for key: RegistrationKey) -> StoredRecord? {
    results[key].map { .registered($0) } ?? failures[key].map { .failed($0) }
  }

  /// The queue in order of arrival.
  package var pendingRegistrations: [PendingRegistration] {
    queue.values.sorted { $0.sequence < $1.sequence }
  }
}
