import CertRegCore

/// What waits for the writer, and whether the writer is at work: the decisions behind group commit, without threads.
///
/// The writer takes everything that is waiting when it becomes free, up to a limit, and puts it into one transaction:
/// under load a group grows by itself to what arrives during one synchronisation with the disk, and a lone change never
/// waits for company.
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

  /// Most changes in one transaction: bounds how long the first of a group waits for the last.
  static let batchLimit = 512

  private var waiting: [Submission] = []
  /// Where `waiting` begins: taking from the front must not move the rest each time.
  private var head = 0
  private var isWriterAwake = false
  private var isClosed = false

  var isEmpty: Bool { head == waiting.count }

  mutating func append(_ submission: Submission) -> Admission {
    guard !isClosed else { return .refused }
    waiting.append(submission)
    if isWriterAwake { return .queued }
    isWriterAwake = true
    return .wake
  }

  /// The next group in order of arrival; at least one submission, however large. Empty: nothing is waiting, and the next
  /// `append` says `wake`.
  mutating func takeBatch() -> [Submission] {
    guard !isEmpty else {
      isWriterAwake = false
      return []
    }
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
