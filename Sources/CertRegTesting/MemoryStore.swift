package import CertRegCore
import Synchronization

/// A store in memory. Commits end at once, on the caller's thread.
package final class MemoryStore: RegistrationStore {
  private struct State {
    var content = StoreModel()
    var nextSequence: Int64 = 1
    var fault: StoreError?
  }

  private let state = Mutex(State())

  package init() {}

  /// Makes every commit and look-up of a record fail; `nil`: no longer.
  package func setFault(_ fault: StoreError?) {
    state.withLock { $0.fault = fault }
  }

  package func commit(
    _ changes: [StoreChange], completion: @escaping @Sendable (Result<Void, StoreError>) -> Void
  ) {
    let fault = state.withLock { state in
      guard state.fault == nil else { return state.fault }
      for change in changes {
        state.content.apply(change)
        if case .enqueue(let pending) = change { state.nextSequence = max(state.nextSequence, pending.sequence + 1) }
      }
      return nil
    }
    completion(fault.map { .failure($0) } ?? .success(()))
  }

  package func record(for key: RegistrationKey) throws(StoreError) -> StoredRecord? {
    try readableContent().record(for: key)
  }

  package func registration(for key: RegistrationKey) throws(StoreError) -> Registration? {
    try readableContent().results[key]
  }

  package func fleetNotes(
    after key: RegistrationKey?, limit: Int
  ) throws(StoreError) -> [(key: RegistrationKey, note: FleetNote)] {
    let notes = try readableContent().notes
    return Self.page(notes.keys, after: key, limit: limit).compactMap { key in notes[key].map { (key, $0) } }
  }

  package func highestFleetNote() throws(StoreError) -> (number: Int64, stamp: Int64) {
    let notes = try readableContent().notes.values
    return (notes.map(\.number).max() ?? 0, notes.map(\.stamp).max() ?? 0)
  }

  package func unsharedKeys(after key: RegistrationKey?, limit: Int) throws(StoreError) -> [RegistrationKey] {
    let content = try readableContent()
    return Self.page(content.results.keys.filter { content.notes[$0] == nil }, after: key, limit: limit)
  }

  package func fleetNote(of key: RegistrationKey) throws(StoreError) -> FleetNote? { try readableContent().notes[key] }

  private static func page(
    _ keys: some Sequence<RegistrationKey>, after key: RegistrationKey?, limit: Int
  ) -> [RegistrationKey] {
    func place(_ key: RegistrationKey) -> (String, String) { (key.certificateID.hex, key.target.rawValue) }
    let sorted = keys.sorted { place($0) < place($1) }
    return Array(sorted.filter { other in key.map { place($0) < place(other) } ?? true }.prefix(limit))
  }

  package func pendingRegistrations() throws(StoreError) -> [PendingRegistration] {
    state.withLock { $0.content.pendingRegistrations }
  }

  package var nextSequence: Int64 { state.withLock { $0.nextSequence } }

  package var registeredCount: Int { state.withLock { $0.content.results.count } }

  package func close() {}

  private func readableContent() throws(StoreError) -> StoreModel {
    let state = state.withLock { $0 }
    if let fault = state.fault { throw fault }
    return state.content
  }
}
