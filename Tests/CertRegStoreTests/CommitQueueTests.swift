import CertRegCore
import Synchronization
import Testing

@testable import CertRegStore

extension CommitQueue {
  /// The next group, after whatever pause; empty where nothing waits.
  fileprivate mutating func takeBatch() -> [Submission] {
    var now = MonotonicTime(nanoseconds: 0)
    while true {
      switch next(now: now) {
      case .commit(let batch): return batch
      case .pause(let duration): now = now + duration
      case .sleep: return []
      }
    }
  }
}

@Suite struct CommitQueueTests {
  private func submission(_ count: Int) -> CommitQueue.Submission {
    .init(changes: Array(repeating: .forget(Sample.key(1)), count: count), completion: { _ in })
  }

  @Test func `wakes the writer once until it has found nothing to do`() {
    var queue = CommitQueue()
    #expect(queue.append(submission(1)) == .wake)
    #expect(queue.append(submission(1)) == .queued)
    #expect(queue.takeBatch().count == 2)
    #expect(queue.append(submission(1)) == .queued)
    #expect(queue.takeBatch().count == 1)
    #expect(queue.takeBatch().isEmpty)
    #expect(queue.append(submission(1)) == .wake)
  }

  @Test(arguments: [
    ([1, 1, 1], [3]), ([512, 1], [1, 1]), ([511, 1, 1], [2, 1]), ([9999, 1, 9999], [1, 1, 1]), ([0, 0, 512, 0], [4]),
  ]) func `takes what waits up to the limit, and never less than one`(sizes: [Int], batches: [Int]) {
    var queue = CommitQueue()
    for size in sizes { _ = queue.append(submission(size)) }
    var taken: [Int] = []
    while !queue.isEmpty { taken.append(queue.takeBatch().count) }
    #expect(taken == batches)
  }

  @Test func `keeps the order over many batches`() {
    var queue = CommitQueue()
    var generator = SplitMix64(seed: 5)
    let order = Mutex<[Int]>([])
    var next = 0
    for _ in 0..<3000 {
      for _ in 0..<Int.random(in: 0...6, using: &generator) {
        let number = next
        next += 1
        let changes = Array(
          repeating: StoreChange.forget(Sample.key(1)), count: Int.random(in: 0...300, using: &generator))
        _ = queue.append(.init(changes: changes, completion: { _ in order.withLock { $0.append(number) } }))
      }
      for submission in queue.takeBatch() { submission.completion(.success(())) }
    }
    while !queue.isEmpty { for submission in queue.takeBatch() { submission.completion(.success(())) } }
    #expect(order.withLock { $0 } == Array(0..<next))
  }

  @Test func `refuses what comes after the end and hands out what came before`() {
    var queue = CommitQueue()
    _ = queue.append(submission(1))
    queue.close()
    #expect(queue.append(submission(1)) == .refused)
    #expect(queue.takeBatch().count == 1)
  }

  /// What is done at a time in milliseconds: how many are committed, 0 for a pause, -1 for nothing.
  private func step(_ queue: inout CommitQueue, at milliseconds: Double) -> Int {
    switch queue.next(now: MonotonicTime(nanoseconds: Int64(milliseconds * 1_000_000))) {
    case .commit(let batch): return batch.count
    case .pause(let duration):
      #expect(duration > .zero && duration <= CommitQueue.interval)
      return 0
    case .sleep: return -1
    }
  }

  @Test func `begins large groups at an even pace`() {
    var queue = CommitQueue()
    for _ in 0..<CommitQueue.largeBatch { _ = queue.append(submission(1)) }
    #expect(step(&queue, at: 0) == CommitQueue.largeBatch)
    #expect(step(&queue, at: 0.1) == -1)
    #expect(queue.append(submission(1)) == .wake)
    #expect(step(&queue, at: 0.2) == 0)
    #expect(queue.append(submission(1)) == .queued)
    #expect(step(&queue, at: 1) == 2)
  }

  @Test func `makes nobody wait behind a small group, or at the end`() {
    var queue = CommitQueue()
    for _ in 1..<CommitQueue.largeBatch { _ = queue.append(submission(1)) }
    #expect(step(&queue, at: 0) == CommitQueue.largeBatch - 1)
    _ = queue.append(submission(1))
    #expect(step(&queue, at: 0) == 1)
    for _ in 0..<CommitQueue.largeBatch { _ = queue.append(submission(1)) }
    #expect(step(&queue, at: 0) == CommitQueue.largeBatch)
    _ = queue.append(submission(1))
    queue.close()
    #expect(step(&queue, at: 0) == 1)
  }
}
