package import CertRegCore
import Synchronization

/// A store in memory. Commits end at once, on the caller's thread.
package final class MemoryStore: RegistrationStore {
  fileprivate struct State {
    var queue: [RegistrationKey: PendingRegistration] = [:]
    var results: [RegistrationKey: Registration] = [:]
    var failures: [RegistrationKey: FailedRegistration] = [:]
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
    return state.results[key].map { .registered($0) } ?? state.failures[key].map { .failed($0) }
  }

  package func registration(for key: RegistrationKey) throws(StoreError) -> Registration? {
    let state = state.withLock { $0 }
    if let fault = state.fault { throw fault }
    return state.results[key]
  }

  package func pendingRegistrations() throws(StoreError) -> [PendingRegistration] {
    state.withLock { $0.queue.values.sorted { $0.sequence < $1.sequence } }
  }

  package var nextSequence: Int64 { state.withLock { $0.nextSequence } }

  package func registeredCount() throws(StoreError) -> Int { state.withLock { $0.results.count } }

  package func close() {}
}

extension MemoryStore.State {
  fileprivate mutating func apply(_ change: StoreChange) {
    switch change {
    case .enqueue(let pending):
      queue[pending.key] = pending
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
    case .fail(let failure):
      queue[failure.key] = nil
      failures[failure.key] = failure
    case .dequeue(let key): queue[key] = nil
    case .forget(let key):
      results[key] = nil
      failures[key] = nil
    }
  }
}
