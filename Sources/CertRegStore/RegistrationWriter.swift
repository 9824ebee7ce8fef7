import CertRegCore
import GRDBSQLite

/// Applies changes to the database, one transaction for each group.
///
/// Keeps in memory which row of the queue belongs to which key, so that the queue needs no index beside its order, and
/// takes that back when a transaction fails.
final class RegistrationWriter {
  /// What is known of an entry of the queue without reading it.
  struct QueuedEntry {
    var sequence: Int64
    var callStarted: Bool
    /// Whether `attempt` has a row for it.
    var hasAttempt: Bool
  }

  private enum Undo {
    case queued(RegistrationKey, QueuedEntry?)
    case named(Int64)
  }

  let connection: Connection
  private let names: SharedNames
  private let statements: WriterStatements
  private var queued: [RegistrationKey: QueuedEntry]
  private var undo: [Undo] = []
  /// `true` unless `failure` is known to be empty: spares the look-up that nearly always finds nothing.
  private var mayHaveFailures: Bool
  private(set) var state: StateRow
  /// `state.highestSequence` as the last commit wrote it; `nil` before the first.
  private var writtenSequence: Int64?
  /// How many transactions were committed.
  private(set) var transactions = 0
  /// Frames in the log after the last commit, set by SQLite's hook. A pointer because C cannot hold a Swift property; it
  /// lives as long as the connection uses it.
  private let frames: UnsafeMutablePointer<Int32>

  init(
    connection: Connection, names: SharedNames, state: StateRow, queued: [RegistrationKey: QueuedEntry]
  ) throws(DatabaseFault) {
    self.connection = connection
    self.names = names
    self.state = state
    self.queued = queued
    statements = try WriterStatements(connection)
    mayHaveFailures = try connection.integer("SELECT EXISTS (SELECT 1 FROM failure)") != 0
    frames = .allocate(capacity: 1)
    frames.initialize(to: 0)
    let countFrames: @convention(c) (UnsafeMutableRawPointer?, OpaquePointer?, UnsafePointer<CChar>?, Int32) -> Int32 =
      {
        context, _, _, count in
        context?.storeBytes(of: count, as: Int32.self)
        return SQLITE_OK
      }
    sqlite3_wal_hook(connection.handle, countFrames, frames)
  }

  deinit {
    sqlite3_wal_hook(connection.handle, nil, nil)
    frames.deallocate()
  }

  var framesInLog: Int { Int(frames.pointee) }

  /// How each of `groups` ended, in order. They take effect together; where the disk is at fault none does. A group that
  /// cannot be stored for what it says fails alone. `pause` is called between groups.
  func commit(_ groups: [[StoreChange]], pause: () -> Void = {}) -> [Result<Void, DatabaseFault>] {
    do {
      try transaction { () throws(DatabaseFault) in
        for group in groups {
          for change in group { try apply(change) }
          pause()
        }
      }
      return Array(repeating: .success(()), count: groups.count)
    } catch {
      if error.isConstraint, groups.count > 1 { return groups.flatMap { commit([$0], pause: pause) } }
      return Array(repeating: .failure(error), count: groups.count)
    }
  }

  /// Runs `body` in one transaction that is durable on return. On an error nothing has happened, in the file or here.
  func transaction(_ body: () throws(DatabaseFault) -> Void) throws(DatabaseFault) {
    let before = state
    undo.removeAll(keepingCapacity: true)
    do {
      try statements.begin.run()
      try body()
      try state.write(to: statements.writeState)
      if state.highestSequence != writtenSequence {
        try state.writeHighestSequence(to: statements.writeState)
      }
      try statements.commit.run()
      writtenSequence = state.highestSequence
      transactions += 1
    } catch {
      // SQLite has rolled back by itself after some errors.
      if sqlite3_get_autocommit(connection.handle) == 0 { try? statements.rollback.run() }
      state = before
      for step in undo.reversed() {
        switch step {
        case .queued(let key, let entry): queued[key] = entry
        case .named(let number): names.remove(number)
        }
      }
      throw error
    }
  }

  /// The number of a target that rows are kept for.
  func targetNumber(_ target: TargetName) -> Int64? { names.number(target.rawValue) }

  /// The text of an interned name.
  func text(_ number: Int64) -> String? { names.text(number) }

  /// The keys of all that is queued.
  var queuedKeys: [RegistrationKey] { Array(queued.keys) }

  func queuedSequence(_ key: RegistrationKey) -> Int64? { queued[key]?.sequence }

  var queuedSequences: Set<Int64> { Set(queued.values.map(\.sequence)) }

  func isQueued(_ key: RegistrationKey) -> Bool { queued[key] != nil }

  /// When the row of `key` in `table`, which is `result` or `failure`, was finished; `nil` where there is none.
  func finishedAt(_ key: RegistrationKey, in table: Table) throws(DatabaseFault) -> WallTime? {
    guard let target = targetNumber(key.target) else { return nil }
    let statement = table == .result ? statements.resultTime : statements.failureTime
    key.certificateID.withBytes { statement.bind(1, copying: $0) }
    statement.bind(2, target)
    return (try statement.first { $0.integer(0) } ?? nil).map { WallTime(millisecondsSinceEpoch: $0) }
  }

  /// Corrects the count of results for rows that went otherwise than by a change, inside `transaction`.
  func noteRemovedResults(_ count: Int64) { state.results -= count }

  /// Makes `nextSequence` higher than `sequence`. Durable with the next transaction.
  func raiseSequence(to sequence: Int64) {
    state.highestSequence = max(state.highestSequence, sequence)
  }

  /// Higher than every sequence number that the queue ever had.
  var nextSequence: Int64 { min(state.highestSequence, .max - 1) + 1 }

  /// Says that the database holds everything up to `revision`, after what was missing has been made up for.
  func raiseRevision(to revision: Int64) {
    state.revision = max(state.revision, revision)
  }
}

// MARK: - Changes

extension RegistrationWriter {
  /// Applies one change, inside `transaction`.
  func apply(_ change: StoreChange) throws(DatabaseFault) {
    switch change {
    case .enqueue(let entry): try enqueue(entry)
    case .markCallStarted(let key): try markCallStarted(key)
    case .noteAttempt(let key, let attempts, let error): try noteAttempt(key, attempts, error)
    case .complete(let registration): try complete(registration)
    case .fail(let failure): try fail(failure)
    case .noteProgress(let key, let facts): try noteProgress(key, facts)
    case .nameDevice: break
    case .dequeue(let key): try removeFromQueue(key)
    case .forget(let key): try forget(key)
    }
    state.revision += 1
  }

  private func enqueue(_ entry: PendingRegistration) throws(DatabaseFault) {
    // A key is queued once: the later request is the one that counts.
    try removeFromQueue(entry.key)
    try QueueRow.write(entry, to: statements.enqueue)
    state.highestSequence = max(state.highestSequence, entry.sequence)
    var known = QueuedEntry(sequence: entry.sequence, callStarted: entry.callStarted, hasAttempt: false)
    if entry.callStarted || entry.attempts > 0 || entry.lastError != nil {
      let attempt = AttemptRow(
        sequence: entry.sequence, callStarted: entry.callStarted, attempts: entry.attempts,
        lastError: entry.lastError)
      try attempt.write(to: statements.writeAttempt)
      known.hasAttempt = true
    }
    setQueued(entry.key, known)
  }

  private func markCallStarted(_ key: RegistrationKey) throws(DatabaseFault) {
    guard let entry = queued[key], !entry.callStarted else { return }
    try changeAttempt(key) { $0.callStarted = true }
  }

  private func noteAttempt(_ key: RegistrationKey, _ attempts: Int, _ error: ServiceError) throws(DatabaseFault) {
    try changeAttempt(key) {
      $0.attempts = attempts
      $0.lastError = error
    }
  }

  private func noteProgress(_ key: RegistrationKey, _ facts: JobFacts) throws(DatabaseFault) {
    try changeAttempt(key) {
      $0.facts = facts
      $0.callStarted = false
    }
  }

  /// Rewrites the row of `attempt` that belongs to a queued key, or writes the first one.
  private func changeAttempt(_ key: RegistrationKey, _ change: (inout AttemptRow) -> Void) throws(DatabaseFault) {
    guard var entry = queued[key] else { return }
    var attempt = AttemptRow(sequence: entry.sequence, callStarted: entry.callStarted, attempts: 0)
    if entry.hasAttempt {
      statements.readAttempt.bind(1, entry.sequence)
      if let known = try statements.readAttempt.first(AttemptRow.read) ?? nil { attempt = known }
    }
    change(&attempt)
    try attempt.write(to: statements.writeAttempt)
    entry.callStarted = attempt.callStarted
    entry.hasAttempt = true
    setQueued(key, entry)
  }

  private func complete(_ registration: Registration) throws(DatabaseFault) {
    let key = registration.key
    try removeFromQueue(key)
    let target = try number(of: key.target.rawValue)
    let beginning = ResultRow.prefix(ofARN: registration.certificateARN, key.certificateID)
    let prefix: Int64? = if let beginning { try prefixNumber(of: beginning) } else { nil }
    try ResultRow.write(registration, target: target, prefix: prefix, to: statements.insertResult)
    if sqlite3_changes(connection.handle) == 1 {
      state.results += 1
    } else {
      try ResultRow.write(registration, target: target, prefix: prefix, to: statements.replaceResult)
    }
    if mayHaveFailures { try remove(key, target, with: statements.deleteFailure) }
  }

  private func fail(_ failure: FailedRegistration) throws(DatabaseFault) {
    try removeFromQueue(failure.key)
    let target = try number(of: failure.key.target.rawValue)
    mayHaveFailures = true
    try FailureRow.write(failure, target: target, to: statements.writeFailure)
  }

  private func forget(_ key: RegistrationKey) throws(DatabaseFault) {
    guard let target = names.number(key.target.rawValue) else { return }
    try remove(key, target, with: statements.deleteResult)
    state.results -= Int64(sqlite3_changes(connection.handle))
    if mayHaveFailures { try remove(key, target, with: statements.deleteFailure) }
  }
}

// MARK: - Parts of changes

extension RegistrationWriter {
  private func setQueued(_ key: RegistrationKey, _ entry: QueuedEntry?) {
    undo.append(.queued(key, queued[key]))
    queued[key] = entry
  }

  /// Writes both copies of all names again.
  func renewNames() throws(DatabaseFault) {
    try transaction { () throws(DatabaseFault) in
      for (number, text) in names.all {
        try NameRow.write(text, number: number, to: statements.writeName)
        try NameRow.write(text, number: number, to: statements.writeNameCopy)
      }
    }
  }

  /// Writes notes of attempts again that could not be read: a call may have been made.
  func renewAttempts(_ sequences: [Int64]) throws(DatabaseFault) {
    guard !sequences.isEmpty else { return }
    let present = queuedSequences
    try transaction { () throws(DatabaseFault) in
      for sequence in sequences {
        if present.contains(sequence) {
          try AttemptRow(sequence: sequence, callStarted: true, attempts: 0).write(to: statements.writeAttempt)
        } else {
          statements.deleteAttempt.bind(1, sequence)
          try statements.deleteAttempt.run()
        }
      }
    }
  }

  private func removeFromQueue(_ key: RegistrationKey) throws(DatabaseFault) {
    guard let entry = queued[key] else { return }
    statements.dequeue.bind(1, entry.sequence)
    try statements.dequeue.run()
    if entry.hasAttempt {
      statements.deleteAttempt.bind(1, entry.sequence)
      try statements.deleteAttempt.run()
    }
    setQueued(key, nil)
  }

  private func remove(
    _ key: RegistrationKey, _ target: Int64, with statement: PreparedStatement
  ) throws(DatabaseFault) {
    key.certificateID.withBytes { statement.bind(1, copying: $0) }
    statement.bind(2, target)
    try statement.run()
  }

  private func number(of target: String) throws(DatabaseFault) -> Int64 {
    guard let number = try prefixNumber(of: target) else {
      throw DatabaseFault(
        extendedCode: SQLITE_CONSTRAINT, message: "more than \(NameTable.limit) different targets and ARN prefixes")
    }
    return number
  }

  /// The number of an interned text, a new one where need be; `nil` where there are too many.
  private func prefixNumber(of text: String) throws(DatabaseFault) -> Int64? {
    if let number = names.number(text) { return number }
    guard let number = names.add(text) else { return nil }
    undo.append(.named(number))
    try NameRow.write(text, number: number, to: statements.writeName)
    try NameRow.write(text, number: number, to: statements.writeNameCopy)
    return number
  }
}
