import CertRegCore

/// Applies changes to the database, one transaction for each group.
///
/// Which row of the queue belongs to which key is kept in memory, so that the queue needs no index beside its order. A
/// failed transaction takes changes of that back, too.
final class RegistrationWriter {
  /// The part of a queue entry that is kept in memory.
  struct QueuedEntry {
    var sequence: Int64
    var callStarted: Bool
    /// Whether `attempt` has a row for it.
    var hasAttempt: Bool
    /// The name that `device` has, as far as this process wrote it.
    var deviceTag = DeviceTag.none
  }

  /// How to take back what a failed transaction changed in memory.
  private enum Undo {
    case queued(RegistrationKey, QueuedEntry?)
    case named(Int64)
  }

  let connection: Connection
  let names: SharedNames
  let statements: WriterStatements
  /// All entries of the queue.
  private(set) var queued: [RegistrationKey: QueuedEntry]
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
    connection: Connection, names: SharedNames, state: StateRow, queued: [RegistrationKey: QueuedEntry]
  ) throws(DatabaseFault) {
    self.connection = connection
    self.names = names
    self.state = state
    self.queued = queued
    statements = try WriterStatements(connection)
    mayHaveFailures = try connection.integer("SELECT EXISTS (SELECT 1 FROM failure)") != 0
    if try connection.integer("SELECT EXISTS (SELECT 1 FROM device)") != 0 { names.noteDevice() }
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
        case .queued(let key, let entry): queued[key] = entry
        case .named(let number): names.remove(number)
        }
      }
      throw error
    }
  }

  /// Changes the entry of `key` in memory, until the transaction fails.
  func setQueued(_ key: RegistrationKey, _ entry: QueuedEntry?) {
    undo.append(.queued(key, queued[key]))
    queued[key] = entry
  }

  /// Notes that the transaction added a name, which goes with it where it fails.
  func noteNewName(_ number: Int64) { undo.append(.named(number)) }

  /// The number of a target, where there are rows for it.
  func targetNumber(_ target: TargetName) -> Int64? { names.number(target.rawValue) }

  /// The text of an interned name.
  func text(_ number: Int64) -> String? { names.text(number) }

  /// Frames in the log after the last commit.
  var framesInLog: Int { connection.framesInLog }

  /// The keys of all that is queued.
  var queuedKeys: [RegistrationKey] { Array(queued.keys) }

  /// The sequence number of a queued key; `nil` where it is not queued.
  func queuedSequence(_ key: RegistrationKey) -> Int64? { queued[key]?.sequence }

  /// The sequence numbers of all that is queued.
  var queuedSequences: Set<Int64> { Set(queued.values.map(\.sequence)) }

  /// Whether the queue has an entry of `key`.
  func isQueued(_ key: RegistrationKey) -> Bool { queued[key] != nil }

  /// The time of the row of `key` in `table`, which is `result` or `failure`; `nil` where there is none.
  func finishedAt(_ key: RegistrationKey, in table: Table) throws(DatabaseFault) -> WallTime? {
    guard let target = targetNumber(key.target) else { return nil }
    let statement = table == .result ? statements.resultTime : statements.failureTime
    key.certificateID.withBytes { statement.bind(1, copying: $0) }
    statement.bind(2, target)
    return (try statement.first { $0.integer(0) } ?? nil).map { WallTime(millisecondsSinceEpoch: $0) }
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
