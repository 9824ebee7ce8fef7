package import CertRegCore
import Dispatch
import Synchronization

extension SQLiteRegistrationStore {
  package func record(for key: RegistrationKey) throws(StoreError) -> StoredRecord? {
    try record(for: key, failuresToo: true)
  }

  package func registration(for key: RegistrationKey) throws(StoreError) -> Registration? {
    guard case .registered(let registration)? = try record(for: key, failuresToo: false) else { return nil }
    return registration
  }

  private func record(for key: RegistrationKey, failuresToo: Bool) throws(StoreError) -> StoredRecord? {
    let found: RecordReader.Found
    do throws(DatabaseFault) {
      found = try withReader { reader throws(DatabaseFault) in
        guard let reader else {
          throw DatabaseFault(StoreError(.failed, message: "the store is closed"))
        }
        return try reader.record(for: key, failuresToo: failuresToo)
      }
    } catch {
      if error.isDamage { noticeDamage(error) }
      throw error.storeError
    }
    switch found {
    case .nothing: return nil
    case .record(let record, let hasDamagedName):
      if hasDamagedName { setAside(key, in: .device) }
      return record
    case .damaged(let table):
      setAside(key, in: table)
      return nil
    }
  }

  package func fleetNotes(
    after key: RegistrationKey?, limit: Int
  ) throws(StoreError) -> [(key: RegistrationKey, note: FleetNote)] {
    try readFleet { reader throws(DatabaseFault) in try reader.fleetNotes(after: key, limit: limit) }
  }

  package func highestFleetNote() throws(StoreError) -> (number: Int64, stamp: Int64) {
    try readFleet { reader throws(DatabaseFault) in try reader.highestFleetNote() }
  }

  package func unsharedKeys(after key: RegistrationKey?, limit: Int) throws(StoreError) -> [RegistrationKey] {
    try readFleet { reader throws(DatabaseFault) in try reader.unsharedKeys(after: key, limit: limit) }
  }

  package func fleetNote(of key: RegistrationKey) throws(StoreError) -> FleetNote? {
    try readFleet { reader throws(DatabaseFault) in try reader.fleetNote(of: key) }
  }

  private func readFleet<Value: Sendable>(
    _ body: @Sendable (RecordReader) throws(DatabaseFault) -> Value
  ) throws(StoreError) -> Value {
    do throws(DatabaseFault) {
      return try withReader { reader throws(DatabaseFault) in
        guard let reader else { throw DatabaseFault(StoreError(.failed, message: "the store is closed")) }
        return try body(reader)
      }
    } catch {
      if error.isDamage { noticeDamage(error) }
      throw error.storeError
    }
  }

  /// Lends a reader that is free; otherwise waits for one, in turn.
  private func withReader<Value: Sendable>(
    _ body: @Sendable (RecordReader?) throws(DatabaseFault) -> Value
  ) throws(DatabaseFault) -> Value {
    for slot in readers {
      let found = try slot.reader.withLockIfAvailable { reader throws(DatabaseFault) in try body(reader) }
      if let found { return found }
    }
    let turn = nextReader.wrappingAdd(1, ordering: .relaxed).oldValue
    return try readers[turn % readers.count].reader.withLock { reader throws(DatabaseFault) in try body(reader) }
  }

  /// Moves a damaged row out of the way, so that the next look-up does not meet it.
  private func setAside(_ key: RegistrationKey, in table: Table) {
    let row = "\(directory.database): a damaged row of \(table.sqlName)"
    committing.async {
      self.writer.withLock { writer in
        guard let writer else { return }
        do throws(DatabaseFault) {
          let file = self.directory.damagedRows
          guard try writer.setAside(key, in: table, to: file) else { return }
          self.noteCommitted(writer)
          self.notices.give(.damaged, "\(row) was set aside in \(file) and counts as absent")
        } catch {
          if error.isUncopied {
            return self.notices.once(.unguarded, "\(row) stays where it is and counts as absent: \(error.message)")
          }
          self.noticeDamage(error)
        }
      }
    }
  }

  package var registeredCount: Int { results.load(ordering: .relaxed) }

  package var nextSequence: Int64 {
    writer.withLock { $0?.nextSequence } ?? 1
  }

  package func pendingRegistrations() throws(StoreError) -> [PendingRegistration] {
    do throws(DatabaseFault) {
      return try writer.withLock { writer throws(DatabaseFault) in
        guard let writer else {
          throw DatabaseFault(StoreError(.failed, message: "the store is closed"))
        }
        var entries = try QueueContents(writer.connection).entries
        guard writer.names.mayHaveDevices else { return entries }
        let reader = try RecordReader(path: directory.database, names: writer.names)
        for index in entries.indices { entries[index].deviceID = try reader.deviceID(of: entries[index].key) }
        return entries
      }
    } catch {
      throw error.storeError
    }
  }
}
