package import CertRegCore
import Dispatch
import Glibc
import Synchronization

/// Registrations in a SQLite database in a directory of the local disk, for one process.
///
/// A commit is durable before it is reported (write-ahead log, `synchronous = FULL`); what arrives while the disk is busy
/// shares the next synchronisation. Rows carry checksums, so that what a failing disk returns is never taken for truth,
/// and a mark beside the database tells whether anything that was reported as durable has gone. What is damaged is set
/// aside, never deleted.
package final class SQLiteRegistrationStore: RegistrationStore {
  /// What lives until the store is closed, behind one lock: the lock proves to the compiler that a connection is used by
  /// one thread at a time.
  private let writer: Mutex<RegistrationWriter?>
  private let checkpointer: Mutex<Connection?>
  private let readers: [ReaderSlot]
  private let nextReader = Atomic<Int>(0)
  private let waiting = Mutex(CommitQueue())
  private let lock: Mutex<DirectoryLock?>
  private let highWater: HighWaterFile
  private let directory: StateDirectory
  private let notices: NoticeSink
  private let committing = DispatchQueue(label: "certregd.store.commit", qos: .userInitiated)
  private let checkpointing = DispatchQueue(label: "certregd.store.checkpoint", qos: .utility)
  private let isCheckpointing = Atomic<Bool>(false)
  private let isSuspect = Atomic<Bool>(false)
  /// Copies of what the writer counts, for callers that must not wait for a commit under way.
  private let results: Atomic<Int>
  private let transactions = Atomic<Int>(0)
  private let giveWay: @Sendable () -> Void

  /// A reader and the lock that it is used under.
  private final class ReaderSlot: Sendable {
    let reader: Mutex<RecordReader?>

    init(path: String, names: SharedNames) throws(DatabaseFault) {
      reader = Mutex(try RecordReader(path: path, names: names))
    }
  }

  /// Opens the state in `directory`, which is made with mode 0700 where it is missing, mends what can be mended and says
  /// so with `onNotice`, which is called here and, later, on threads of the store's own. `giveWay` is called between
  /// the parts of a transaction, for those who want the processor more.
  ///
  /// - Throws: `inUse` where another process has it; `newerVersion`, with nothing touched, where a newer version wrote
  ///   it; `full` and `failed` with the system's own words.
  package init(
    directory path: String, giveWay: @escaping @Sendable () -> Void = {},
    onNotice: @escaping @Sendable (StoreNotice) -> Void
  ) throws(StoreError) {
    self.giveWay = giveWay
    let opening = StoreOpening(directory: StateDirectory(path: path), now: { WallTime.now }, onNotice: onNotice)
    let opened = try opening.open()
    directory = opened.directory
    highWater = opened.highWater
    notices = opened.notices
    lock = Mutex(opened.lock)
    do throws(DatabaseFault) {
      let database = opened.directory.database
      let second = try Connection(path: database)
      try second.useWriteAheadLog()
      checkpointer = Mutex(second)
      readers = [
        try ReaderSlot(path: database, names: opened.names), try ReaderSlot(path: database, names: opened.names),
      ]
    } catch {
      throw error.storeError
    }
    results = Atomic(Int(opened.writer.state.results))
    writer = Mutex(opened.writer)
  }

  /// Closes the store where its owner has not. Nothing is under way: what is under way holds the store.
  deinit { release() }

  /// How many transactions, each with one synchronisation of the disk, commits have taken so far.
  package var transactionCount: Int { transactions.load(ordering: .relaxed) }
}

// MARK: - For tests

extension SQLiteRegistrationStore {
  /// Lets the database grow to `pages` pages, as if the disk ended there.
  func setPageLimit(_ pages: Int) {
    writer.withLock { writer in
      _ = try? writer?.connection.integer("PRAGMA max_page_count = \(pages)")
    }
  }

  /// Waits for a checkpoint that is under way.
  func awaitCheckpoint() { checkpointing.sync {} }
}

// MARK: - Commits

extension SQLiteRegistrationStore {
  private static let longestRow = Duration.milliseconds(100)

  package func commit(
    _ changes: [StoreChange], completion: @escaping @Sendable (Result<Void, StoreError>) -> Void
  ) {
    let submission = CommitQueue.Submission(changes: changes, completion: completion)
    switch waiting.withLock({ $0.append(submission) }) {
    case .wake: committing.async { self.commitWaiting() }
    case .queued: break
    case .refused:
      committing.async { completion(.failure(StoreError(.failed, message: "the store is closed"))) }
    }
  }

  /// Runs `body` on the thread of the commits, behind those that wait; for the watchdog.
  package func onCommitThread(_ body: @escaping @Sendable () -> Void) {
    committing.async(execute: body)
  }

  /// Commits what waits. Runs on `committing` alone, so that completions keep their order.
  private func commitWaiting() {
    let end = MonotonicTime.now + SQLiteRegistrationStore.longestRow
    repeat {
      switch waiting.withLock({ $0.next(now: .now) }) {
      case .commit(let batch): commit(batch)
      case .pause(let duration): usleep(UInt32(clamping: duration.nanoseconds / 1000 + 1))
      case .sleep: return
      }
    } while MonotonicTime.now < end
    // Where changes never stop coming, what else is to run on this thread has its turn.
    committing.async { self.commitWaiting() }
  }

  private func commit(_ batch: [CommitQueue.Submission]) {
    let groups = batch.map(\.changes)
    let (outcomes, frames) = writer.withLock { writer in
      guard let writer else { return ([Result<Void, DatabaseFault>](), 0) }
      let outcomes = writer.commit(groups, pause: giveWay)
      noteCommitted(writer)
      return (outcomes, writer.framesInLog)
    }
    for (submission, outcome) in zip(batch, outcomes) {
      submission.completion(outcome.mapError(\.storeError))
    }
    noticeDamage(outcomes)
    if frames >= SQLiteRegistrationStore.checkpointFrames { startCheckpoint() }
  }

  private func noteCommitted(_ writer: RegistrationWriter) {
    noteHighWater(revision: writer.state.revision)
    results.store(Int(writer.state.results), ordering: .relaxed)
    transactions.store(writer.transactions, ordering: .relaxed)
  }

  /// Writes the mark behind the commit and before anybody is told of it.
  private func noteHighWater(revision: Int64, isClean: Bool = false) {
    let mark = HighWaterMark(
      schemaVersion: Schema.version, revision: revision, isClean: isClean,
      isSuspect: isSuspect.load(ordering: .relaxed))
    do throws(StoreError) { try highWater.write(mark) } catch { notices.once(.unguarded, error.message) }
  }

  /// The next start must look at the whole database once it has been found damaged in use.
  private func noticeDamage(_ outcomes: [Result<Void, DatabaseFault>]) {
    for case .failure(let fault) in outcomes where fault.isDamage { return noticeDamage(fault) }
  }

  private func noticeDamage(_ fault: DatabaseFault) {
    isSuspect.store(true, ordering: .relaxed)
    notices.once(.damaged, "\(fault.message): the next start will salvage what can be read")
  }
}

// MARK: - Checkpoints

extension SQLiteRegistrationStore {
  /// 4 MiB: few enough that a start reads them in no time, many enough that a checkpoint is rare.
  static let checkpointFrames = 1000

  /// Moves what is in the log to the database. The long part runs beside the commits; only the frames that came in the
  /// meantime are moved while commits wait, so that the log can start over.
  private func startCheckpoint() {
    guard !isCheckpointing.exchange(true, ordering: .acquiringAndReleasing) else { return }
    checkpointing.async {
      defer { self.isCheckpointing.store(false, ordering: .releasing) }
      do throws(DatabaseFault) {
        try self.checkpointer.withLock { connection throws(DatabaseFault) in
          try connection?.checkpoint(truncating: false)
        }
        let isShortOfSpace = self.directory.isShortOfSpace
        try self.writer.withLock { writer throws(DatabaseFault) in
          try writer?.connection.checkpoint(truncating: isShortOfSpace)
        }
        try? self.highWater.synchronize()
      } catch {
        // On a full disk the log stays as long as it is, and the next group tries again.
        if error.isDamage { self.noticeDamage(error) }
      }
    }
  }
}

// MARK: - Reading

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
    case .record(let record): return record
    case .damaged(let table):
      setAside(key, in: table)
      return nil
    }
  }

  /// Lends a reader that is free; else one in turn, once it is.
  private func withReader(
    _ body: (RecordReader?) throws(DatabaseFault) -> RecordReader.Found
  ) throws(DatabaseFault) -> RecordReader.Found {
    for slot in readers {
      let found = try slot.reader.withLockIfAvailable { reader throws(DatabaseFault) in try body(reader) }
      if let found { return found }
    }
    let turn = nextReader.wrappingAdd(1, ordering: .relaxed).oldValue
    return try readers[turn % readers.count].reader.withLock { reader throws(DatabaseFault) in try body(reader) }
  }

  /// Takes a row that cannot be trusted out of the way, so that the next answer is not held up by it.
  private func setAside(_ key: RegistrationKey, in table: Table) {
    notices.give(
      .damaged, "\(directory.database): a row of \(table.sqlName) is damaged; it is set aside and counts as absent")
    committing.async {
      self.writer.withLock { writer in
        guard let writer else { return }
        do throws(DatabaseFault) {
          try writer.setAside(key, in: table, to: self.directory.damagedRows)
          self.noteCommitted(writer)
        } catch {
          if error.isUncopied { return self.notices.once(.unguarded, error.message) }
          self.noticeDamage(error)
        }
      }
    }
  }

  package func registeredCount() throws(StoreError) -> Int {
    results.load(ordering: .relaxed)
  }

  package var nextSequence: Int64 {
    writer.withLock { $0?.nextSequence } ?? 1
  }

  package func pendingRegistrations() throws(StoreError) -> [PendingRegistration] {
    do throws(DatabaseFault) {
      return try writer.withLock { writer throws(DatabaseFault) in
        guard let writer else {
          throw DatabaseFault(StoreError(.failed, message: "the store is closed"))
        }
        return try QueueContents(writer.connection).entries
      }
    } catch {
      throw error.storeError
    }
  }

  /// Waits for what was committed, empties the log and gives the directory back. Not to be called from a completion, for
  /// which it would wait.
  package func close() {
    waiting.withLock { $0.close() }
    repeat { committing.sync {} } while waiting.withLock { $0.isWriterAwake }
    checkpointing.sync {}
    release()
  }

  /// Gives up connections, files and the lock, once.
  private func release() {
    for slot in readers { slot.reader.withLock { $0 = nil } }
    checkpointer.withLock { $0 = nil }
    writer.withLock { writer in
      guard let open = writer else { return }
      try? open.connection.checkpoint(truncating: true)
      noteHighWater(revision: open.state.revision, isClean: true)
      writer = nil
      try? highWater.synchronize()
    }
    lock.withLock { $0 = nil }
  }
}
