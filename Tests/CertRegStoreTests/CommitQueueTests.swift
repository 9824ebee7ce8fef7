import CertRegCore
import Synchronization
import Testing

@testable import CertRegStore

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
    var generator = SeededGenerator(seed: 5)
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
}
