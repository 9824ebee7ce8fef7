import CertRegCore

/// The changes that wait for the writer, and whether the writer is at work: the decisions behind group commit, without
/// threads.
///
/// A writer that becomes free takes all waiting changes, up to a limit, into one transaction. Under load a group grows
/// by itself to the changes that arrive during one synchronisation with the disk. A lone change does not wait for
/// company. Large groups begin at an even pace: fewer and larger ones take less of the disk and the processor for each
/// change.
struct CommitQueue: Sendable {
  /// Changes of one caller, which take effect together.
  struct Submission: Sendable {
    var changes: [StoreChange]
    var completion: @Sendable (Result<Void, StoreError>) -> Void
  }

  /// The answer to a submission.
  enum Admission: Equatable {
    /// The writer is idle: wake it.
    case wake
    /// The writer is awake and takes it in its turn.
    case queued
    /// The store is closed.
    case refused
  }

  /// The writer's next step.
  enum Step {
    /// Commits these in order; at least one.
    case commit([Submission])
    /// Pauses for that time, then takes the next step.
    case pause(Duration)
    /// Nothing: the next `append` says `wake`.
    case sleep
  }

  /// Most changes in one transaction. Bounds the time that the first of a group waits for the last.
  static let batchLimit = 512
  /// Submissions from which on a group is large.
  static let largeBatch = 8
  /// Time from the beginning of a large group to the beginning of the next, at least.
  static let interval = Duration.milliseconds(1)

  private var waiting: [Submission] = []
  /// Where `waiting` begins: taking from the front must not move the rest each time.
  private var head = 0
  private(set) var isWriterAwake = false
  private var isClosed = false
  /// When the group after the last one may begin.
  private var earliestBegin: MonotonicTime?

  /// Whether nothing waits.
  var isEmpty: Bool { head == waiting.count }

  /// Adds changes.
  mutating func append(_ submission: Submission) -> Admission {
    guard !isClosed else { return .refused }
    waiting.append(submission)
    if isWriterAwake { return .queued }
    isWriterAwake = true
    return .wake
  }

  /// The next step. Groups are in order of arrival, with at least one submission, however large.
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

  /// Accepts nothing any more. Waiting submissions are still handed out.
  mutating func close() { isClosed = true }
}
