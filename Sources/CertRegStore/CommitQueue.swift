import CertRegCore

/// What waits for the writer, and whether the writer is at work: the decisions behind group commit, without threads.
///
/// The writer takes everything that is waiting when it becomes free, up to a limit, and puts it into one transaction:
/// under load a group grows by itself to what arrives during one synchronisation with the disk, and a lone change does
/// not wait for company. Where groups are large anyway they are begun at an even pace: fewer and larger ones take less of the
/// disk and the processor for each change.
struct CommitQueue: Sendable {
  struct Submission: Sendable {
    var changes: [StoreChange]
    var completion: @Sendable (Result<Void, StoreError>) -> Void
  }

  enum Admission: Equatable {
    /// The writer is idle: wake it.
    case wake
    /// The writer will come to it.
    case queued
    /// The store is closed.
    case refused
  }

  /// What the writer does next.
  enum Step {
    /// Commits these in order; at least one.
    case commit([Submission])
    /// Asks again after that time.
    case pause(Duration)
    /// Nothing: the next `append` says `wake`.
    case sleep
  }

  /// Most changes in one transaction: bounds how long the first of a group waits for the last.
  static let batchLimit = 512
  /// From so many submissions on a group is large.
  static let largeBatch = 8
  /// From the begin of a large group to that of the next, at least.
  static let interval = Duration.milliseconds(1)

  private var waiting: [Submission] = []
  /// Where `waiting` begins: taking from the front must not move the rest each time.
  private var head = 0
  private(set) var isWriterAwake = false
  private var isClosed = false
  /// When the group after the last one may begin.
  private var earliestBegin: MonotonicTime?

  var isEmpty: Bool { head == waiting.count }

  mutating func append(_ submission: Submission) -> Admission {
    guard !isClosed else { return .refused }
    waiting.append(submission)
    if isWriterAwake { return .queued }
    isWriterAwake = true
    return .wake
  }

  /// Says what to do. Groups are in order of arrival, with at least one submission, however large.
  mutating func next(now: MonotonicTime) -> Step {
    guard !isEmpty else {
      isWriterAwake = false
      return .sleep
    }
    if let earliestBegin, now < earliestBegin, !isClosed { return .pause(earliestBegin - now) }
    let batch = takeBatch()
    earliestBegin = batch.count >= CommitQueue.largeBatch ? now + CommitQueue.interval : nil
    return .commit(batch)
  }

  private mutating func takeBatch() -> [Submission] {
    var changes = 0
    var end = head
    while end < waiting.count, end == head || changes + waiting[end].changes.count <= CommitQueue.batchLimit {
      changes += waiting[end].changes.count
      end += 1
    }
    if head == 0, end == waiting.count {
      defer { waiting = [] }
      return waiting
    }
    let batch = Array(waiting[head..<end])
    head = end
    if head == waiting.count {
      waiting = []
      head = 0
    } else if head > 4096 {
      waiting.removeFirst(head)
      head = 0
    }
    return batch
  }

  /// Nothing is accepted any more; what is waiting is still handed out.
  mutating func close() { isClosed = true }
}
