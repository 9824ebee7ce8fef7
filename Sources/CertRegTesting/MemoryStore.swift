package import CertRegCore
import Synchronization

/// A store in memory. Commits end at once, on the caller's thread.
package final class MemoryStore: RegistrationStore {
  fileprivate struct State {
    var queue: [RegistrationKey: PendingRegistration] = [:]
    var results: [RegistrationKey: Registration] = [:]
    var failures: [RegistrationKey: FailedRegistration] = [:]
    var names: [RegistrationKey: DeviceID] = [:]
    var nextSequence: Int64 = 1
    var fault: StoreError?
  }

  private let state = Mutex(State())

  package init() {}

  /// Makes every access fail; `nil`: no more.
  package func setFault(_ fault: StoreError?) {
    state.withLock { $0.fault = fault }
  }

  package func commit(
    _ changes: [StoreChange], completion: @escaping @Sendable (Result<Void, StoreError>) -> Void
  ) {
    let fault = state.withLock { state in
      if state.fault == nil { for change in changes { state.apply(change) } }
      return state.fault
    }
    completion(fault.map { .failure($0) } ?? .success(()))
  }

  package func record(for key: RegistrationKey) throws(StoreError) -> StoredRecord? {
    let state = state.withLock { $0 }
    if let fault = state.fault { throw fault }
    return state.registration(key).map { .registered($0) } ?? state.failure(key).map { .failed($0) }
  }

  package func registration(for key: RegistrationKey) throws(StoreError) -> Registration? {
    let state = state.withLock { $0 }
    if let fault = state.fault { throw fault }
    return state.registration(key)
  }

  package func pendingRegistrations() throws(StoreError) -> [PendingRegistration] {
    state.withLock { $0.queue.values.sorted { $0.sequence < $1.sequence } }
  }

  package var nextSequence: Int64 { state.withLock { $0.nextSequence } }

  package func registeredCount() throws(StoreError) -> Int { state.withLock { $0.results.count } }

  package func close() {}
}

extension MemoryStore.State {
  fileprivate func registration(_ key: RegistrationKey) -> Registration? {
    guard var registration = results[key] else { return nil }
    registration.deviceID = names[key]
    registration.deviceTag = names[key]?.tag ?? .none
    return registration
  }

  fileprivate func failure(_ key: RegistrationKey) -> FailedRegistration? {
    guard var failure = failures[key] else { return nil }
    failure.deviceID = names[key]
    return failure
  }

  fileprivate mutating func apply(_ change: StoreChange) {
    switch change {
    case .enqueue(let pending):
      queue[pending.key] = pending
      if let name = pending.deviceID { names[pending.key] = name }
      nextSequence = max(nextSequence, pending.sequence + 1)
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
      if let name = registration.deviceID { names[registration.key] = name }
    case .fail(let failure):
      queue[failure.key] = nil
      failures[failure.key] = failure
      if let name = failure.deviceID { names[failure.key] = name }
    case .nameDevice(let key, let name):
      names[key] = name
      queue[key]?.deviceID = name
    case .dequeue(let key): queue[key] = nil
    case .forget(let key):
      results[key] = nil
      failures[key] = nil
      if queue[key] == nil { names[key] = nil }
    }
  }
}
