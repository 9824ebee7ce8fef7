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

  package init() {}

  /// Carries out one change.
  package mutating func apply(_ change: StoreChange) {
    switch change {
    case .enqueue(let pending): queue[pending.key] = pending
    case .markCallStarted(let key): queue[key]?.callStarted = true
    case .noteAttempt(let key, let attempts, let error):
      queue[key]?.attempts = attempts
      queue[key]?.lastError = error
    case .noteProgress(let key, let facts):
      queue[key]?.facts = facts
      queue[key]?.callStarted = false
    case .complete(let registration):
      queue[registration.key] = nil
      failures[registration.key] = nil
      results[registration.key] = registration
    case .fail(let failure):
      queue[failure.key] = nil
      failures[failure.key] = failure
    case .forget(let key):
      results[key] = nil
      failures[key] = nil
    }
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
