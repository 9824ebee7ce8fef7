import CertRegCore

/// Applies changes to the database, one transaction for each group.
///
/// Which row of the queue belongs to which key is kept in memory, so that the queue needs no index beside its order. A
/// key may have several rows. A failed transaction takes changes of that back, too.
final class RegistrationWriter {
  /// The part of a queue entry that is kept in memory.
  struct QueuedEntry {
    var key: RegistrationKey
    var callStarted: Bool
    /// Whether `attempt` has a row for it.
    var hasAttempt: Bool
  }

  /// What the entries of one key have in common.
  private struct QueuedKey {
    var count = 0
    /// The name that `device` has, as far as this process wrote it.
    var deviceTag = DeviceTag.none
  }

  /// How to take back what a failed transaction changed in memory.
  private enum Undo {
    case queued(Int64, QueuedEntry?)
    case tagged(RegistrationKey, DeviceTag)
    case named(Int64)
  }

  let connection: Connection
  let names: SharedNames
  let statements: WriterStatements
  /// All entries of the queue, by their sequence number.
  private(set) var queued: [Int64: QueuedEntry] = [:]
  private var queuedKeys: [RegistrationKey: QueuedKey] = [:]
  private var undo: [Undo] = []
  /// `true` unless `failure` is known to be empty: spares the look-up that nearly always finds nothing.
  var mayHaveFailures: Bool
  /// The row of `state` as the transaction under way, or else the last one, leaves it.
  var state: StateRow
  /// `state.highestSequence` as the last commit wrote it; `nil` before the first.
  private var writtenSequence: Int64?
  /// How many transactions were committed.
  private(set) var transactions = 0

  init(
    connection: Connection, names: SharedNames, state: StateRow, queued: [Int64: QueuedEntry]
  ) throws(DatabaseFault) {
    self.connection = connection
    self.names = names
    self.state = state
    statements = try WriterStatements(connection)
    mayHaveFailures = try connection.integer("SELECT EXISTS (SELECT 1 FROM failure)") != 0
    if try connection.integer("SELECT EXISTS (SELECT 1 FROM device)") != 0 { names.noteDevice() }
    for (sequence, entry) in queued { replaceQueued(sequence, entry) }
  }

  /// Applies groups of changes in one transaction and returns the outcome of each, in order. Where the disk is at fault
  /// none takes effect. A group whose content cannot be stored fails alone. `pause` is called between groups.
  func commit(_ groups: [[StoreChange]], pause: () -> Void = {}) -> [Result<Void, DatabaseFault>] {
    do throws(DatabaseFault) {
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
    do throws(DatabaseFault) {
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
      if connection.isInTransaction { try? statements.rollback.run() }
      state = before
      for step in undo.reversed() {
        switch step {
        case .queued(let sequence, let entry): replaceQueued(sequence, entry)
        case .tagged(let key, let tag): queuedKeys[key]?.deviceTag = tag
        case .named(let number): names.remove(number)
        }
      }
      throw error
    }
  }

  /// Changes an entry in memory, until the transaction fails.
  func setQueued(_ sequence: Int64, _ entry: QueuedEntry?) {
    undo.append(.queued(sequence, queued[sequence]))
    replaceQueued(sequence, entry)
  }

  private func replaceQueued(_ sequence: Int64, _ entry: QueuedEntry?) {
    let before = queued[sequence]
    queued[sequence] = entry
    guard before?.key != entry?.key else { return }
    if let entry { queuedKeys[entry.key, default: QueuedKey()].count += 1 }
    if let before, let known = queuedKeys[before.key] {
      if known.count > 1 { queuedKeys[before.key]?.count -= 1 } else { queuedKeys[before.key] = nil }
    }
  }

  /// Notes the name of a queued key's device, until the transaction fails.
  func setDeviceTag(_ key: RegistrationKey, _ tag: DeviceTag) {
    guard let known = queuedKeys[key] else { return }
    undo.append(.tagged(key, known.deviceTag))
    queuedKeys[key]?.deviceTag = tag
  }

  /// The name of a queued key's device, as far as this process wrote it; `nil`: nothing is queued under the key.
  func deviceTag(_ key: RegistrationKey) -> DeviceTag? { queuedKeys[key]?.deviceTag }

  /// Notes that the transaction added a name, which goes with it where it fails.
  func noteNewName(_ number: Int64) { undo.append(.named(number)) }

  /// The number of a target, where there are rows for it.
  func targetNumber(_ target: TargetName) -> Int64? { names.number(target.rawValue) }

  /// The text of an interned name.
  func text(_ number: Int64) -> String? { names.text(number) }

  /// Frames in the log after the last commit.
  var framesInLog: Int { connection.framesInLog }

  /// The jobs of all that is queued.
  var queuedJobs: [JobID] { queued.map { JobID(key: $1.key, sequence: $0) } }

  /// The sequence numbers of all that is queued.
  var queuedSequences: Set<Int64> { Set(queued.keys) }

  /// Whether the queue has an entry of `key`.
  func isQueued(_ key: RegistrationKey) -> Bool { queuedKeys[key] != nil }

  /// Whether the queue has the job.
  func isQueued(_ id: JobID) -> Bool { queued[id.sequence]?.key == id.key }

  /// The time of the row of `key` in `table`, which is `result` or `failure`; `nil` where there is none.
  func finishedAt(_ key: RegistrationKey, in table: Table) throws(DatabaseFault) -> WallTime? {
    guard let target = targetNumber(key.target) else { return nil }
    let statement = table == .result ? statements.resultTime : statements.failureTime
    key.certificateID.withBytes { statement.bind(1, copying: $0) }
    statement.bind(2, target)
    return (try statement.first { $0.integer(0) } ?? nil).map { WallTime(millisecondsSinceEpoch: $0) }
  }

  /// The highest sequence number of a job that ended under `key`, from `result` and `failure`; `nil` where there is
  /// none or an earlier version wrote it.
  func lastSequence(_ key: RegistrationKey, in table: Table) throws(DatabaseFault) -> Int64? {
    guard let target = targetNumber(key.target) else { return nil }
    let statement = table == .result ? statements.readResult : statements.readFailure
    key.certificateID.withBytes { statement.bind(1, copying: $0) }
    statement.bind(2, target)
    return try statement.first { table == .result ? ResultRow.sequence($0) : FailureRow.sequence($0) } ?? nil
  }

  /// Corrects the count of results for rows that were removed without a change, inside `transaction`.
  func noteRemovedResults(_ count: Int64) { state.results -= count }

  /// Makes `nextSequence` higher than `sequence`. Durable with the next transaction.
  func raiseSequence(to sequence: Int64) {
    state.highestSequence = max(state.highestSequence, sequence)
  }

  /// Higher than every sequence number that the queue ever had.
  var nextSequence: Int64 { min(state.highestSequence, .max - 1) + 1 }

  /// Notes that the database holds everything up to `revision`, once missing changes have been made up for.
  func raiseRevision(to revision: Int64) {
    state.revision = max(state.revision, revision)
  }
}
