package import CertRegCore
import Dispatch
import Glibc
import Synchronization

/// Registrations in a SQLite database in a directory of the local disk, for one process.
///
/// A commit is durable before it is reported (write-ahead log, `synchronous = FULL`). Changes that arrive while the
/// disk is busy share the next synchronisation. Rows carry checksums, so that a failing disk is never believed, and a
/// mark beside the database shows whether anything that was reported as durable is missing. Damaged rows and files are
/// set aside, never deleted.
package final class SQLiteRegistrationStore: RegistrationStore {
  /// `nil` once the store is closed, as for the other connections. The lock proves to the compiler that a connection is
  /// used by one thread at a time.
  let writer: Mutex<RegistrationWriter?>
  let checkpointer: Mutex<Connection?>
  let readers: [ReaderSlot]
  let nextReader = Atomic<Int>(0)
  let waiting = Mutex(CommitQueue())
  private let lock: Mutex<DirectoryLock?>
  let highWater: HighWaterFile
  let directory: StateDirectory
  let notices: NoticeSink
  let committing = DispatchQueue(label: "certregd.store.commit", qos: .userInitiated)
  let checkpointing = DispatchQueue(label: "certregd.store.checkpoint", qos: .utility)
  let isCheckpointing = Atomic<Bool>(false)
  let isSuspect = Atomic<Bool>(false)
  /// Copies of the writer's counts, for callers that must not wait for a commit under way.
  let results: Atomic<Int>
  let transactions = Atomic<Int>(0)
  let giveWay: @Sendable () -> Void
  let clock: HostClock

  /// A reader and the lock that it is used under.
  final class ReaderSlot: Sendable {
    let reader: Mutex<RecordReader?>

    init(path: String, names: SharedNames) throws(DatabaseFault) {
      reader = Mutex(try RecordReader(path: path, names: names))
    }
  }

  /// Opens the state in a directory, which is made with mode 0700 where it is missing. Damage is mended as far as
  /// possible, and reported.
  ///
  /// - Parameters:
  ///   - path: the directory.
  ///   - clock: for the pace of commits, the pace of `onProgress` and the names of directories with damaged files.
  ///   - giveWay: called between the parts of a transaction, for work that is more urgent.
  ///   - onProgress: called on this thread, every few seconds while a start that takes long goes on.
  ///   - onNotice: called on this thread and, later, on threads of the store's own.
  /// - Throws: `inUse` where another process has the directory; `newerVersion`, with nothing touched, where a newer
  ///   version wrote it; `startsInterrupted` after several starts that did not come to an end; `full` and `failed` with
  ///   the system's own words.
  package init(
    directory path: String, clock: HostClock, giveWay: @escaping @Sendable () -> Void = {},
    onProgress: @escaping @Sendable (StoreProgress) -> Void = { _ in },
    onNotice: @escaping @Sendable (StoreNotice) -> Void
  ) throws(StoreError) {
    self.clock = clock
    self.giveWay = giveWay
    let opening = StoreOpening(
      directory: StateDirectory(path: path), clock: clock, onProgress: onProgress, onNotice: onNotice)
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

  /// Closes the store where its owner has not. No work is under way, since work holds the store.
  deinit { release() }

  /// How many transactions, each with one synchronisation of the disk, commits have taken so far.
  package var transactionCount: Int { transactions.load(ordering: .relaxed) }
}

// MARK: - Closing

extension SQLiteRegistrationStore {
  /// Waits for what was committed, empties the log and gives the directory back. Not to be called from a completion,
  /// for which it would wait.
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
