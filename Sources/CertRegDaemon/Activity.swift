import Synchronization

/// Wakes one waiting task when something happened, however often it did meanwhile. Noting costs one atomic access.
final class Activity: Sendable {
  private let isNoted = Atomic<Bool>(false)
  private let stream: AsyncStream<Void>
  private let continuation: AsyncStream<Void>.Continuation

  init() {
    (stream, continuation) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1))
  }

  /// Something happened.
  func note() {
    guard !isNoted.load(ordering: .relaxed), !isNoted.exchange(true, ordering: .acquiringAndReleasing) else { return }
    continuation.yield()
  }

  /// Calls `body` after each note. Notes that arrive while `body` runs cause one more call. Returns when the task is
  /// cancelled.
  func forEach(_ body: () async -> Void) async {
    for await _ in stream {
      isNoted.store(false, ordering: .releasing)
      await body()
    }
  }
}
