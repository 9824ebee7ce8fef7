package import CertRegCore
import Dispatch
import Glibc
import Synchronization

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

  /// Runs `body` on the thread of the commits, behind those that wait. For the watchdog.
  package func onCommitThread(_ body: @escaping @Sendable () -> Void) {
    committing.async(execute: body)
  }

  /// Commits the changes that wait. Runs on `committing` alone, so that completions keep their order.
  private func commitWaiting() {
    let end = clock.monotonic + SQLiteRegistrationStore.longestRow
    repeat {
      switch waiting.withLock({ $0.next(now: clock.monotonic) }) {
      case .commit(let batch): commit(batch)
      case .pause(let duration): usleep(UInt32(clamping: duration.nanoseconds / 1000 + 1))
      case .sleep: return
      }
    } while clock.monotonic < end
    // Where changes never stop coming, other work of this thread has its turn.
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

  /// Copies the writer's counts once a transaction has ended.
  func noteCommitted(_ writer: RegistrationWriter) {
    noteHighWater(revision: writer.state.revision)
    results.store(Int(writer.state.results), ordering: .relaxed)
    transactions.store(writer.transactions, ordering: .relaxed)
  }

  /// Writes the mark, after the commit and before its changes are reported.
  func noteHighWater(revision: Int64, isClean: Bool = false) {
    let mark = HighWaterMark(
      schemaVersion: Schema.version, revision: revision, isClean: isClean,
      isSuspect: isSuspect.load(ordering: .relaxed))
    do throws(StoreError) { try highWater.write(mark) } catch { notices.once(.unguarded, error.message) }
  }

  /// Once the database has been found damaged in use, the next start looks at all of it.
  private func noticeDamage(_ outcomes: [Result<Void, DatabaseFault>]) {
    for case .failure(let fault) in outcomes where fault.isDamage { return noticeDamage(fault) }
  }

  /// Reports damage that was found in use, once.
  func noticeDamage(_ fault: DatabaseFault) {
    isSuspect.store(true, ordering: .relaxed)
    notices.once(.damaged, "\(fault.message): the next start will salvage what can be read")
  }
}

// MARK: - Checkpoints

extension SQLiteRegistrationStore {
  /// Frames in the log at which it is moved into the database. 4 MiB: few enough that a start reads them in no time,
  /// many enough that this is rare.
  static let checkpointFrames = 1000

  /// Moves the log into the database. The long part runs beside the commits. Only frames that arrive in the meantime
  /// are moved while commits wait, so that the log can start over.
  func startCheckpoint() {
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
