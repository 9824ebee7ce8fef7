import CEpoll
import Glibc
import Synchronization

/// Jobs from other threads for a socket loop. The first job wakes the loop; it takes all jobs that were posted until it
/// looks.
final class Mailbox: Sendable {
  typealias Job = @Sendable (SocketLoop) -> Void

  private struct State: Sendable {
    var jobs: [Job] = []
    var isClosed = false
  }

  private let state = Mutex(State())
  /// Readable while a job waits (eventfd(2)).
  let descriptor: CInt

  /// - Throws: `SystemCallError` where the process has no descriptor left.
  init() throws(SystemCallError) {
    descriptor = eventfd(0, CInt(EFD_CLOEXEC | EFD_NONBLOCK))
    guard descriptor >= 0 else { throw SystemCallError("eventfd") }
  }

  deinit {
    Glibc.close(descriptor)
  }

  /// Runs `job` on the loop's thread, after earlier jobs; does nothing once the loop has ended.
  func post(_ job: @escaping Job) {
    let isFirst = state.withLock { state in
      guard !state.isClosed else { return false }
      state.jobs.append(job)
      return state.jobs.count == 1
    }
    // Cannot fail: the counter is far from its end.
    if isFirst { eventfd_write(descriptor, 1) }
  }

  /// Takes all waiting jobs.
  func take() -> [Job] {
    var count: eventfd_t = 0
    // Before the jobs are taken: a job that is posted in between wakes the loop once too often, and is not missed.
    eventfd_read(descriptor, &count)
    return state.withLock { state in
      let jobs = state.jobs
      state.jobs = []
      return jobs
    }
  }

  /// Takes no more jobs and drops those that wait.
  func close() {
    state.withLock { state in
      state.isClosed = true
      state.jobs = []
    }
  }
}
