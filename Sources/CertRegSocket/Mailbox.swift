import CEpoll
import Glibc
import Synchronization

/// What other threads want a socket loop to do. The first thing posted wakes the loop; what follows until it looks is taken with it.
final class Mailbox: Sendable {
  typealias Job = @Sendable (SocketLoop) -> Void

  private struct State: Sendable {
    var jobs: [Job] = []
    var isClosed = false
  }

  private let state = Mutex(State())
  /// Readable while something was posted (eventfd(2)).
  let descriptor: CInt

  /// - Throws: `SystemCallError`.
  init() throws(SystemCallError) {
    descriptor = eventfd(0, CInt(EFD_CLOEXEC | EFD_NONBLOCK))
    guard descriptor >= 0 else { throw SystemCallError("eventfd") }
  }

  deinit {
    Glibc.close(descriptor)
  }

  /// Has `job` run on the loop's thread, after what was posted before; nothing happens once the loop has ended.
  func post(_ job: @escaping Job) {
    let isFirst = state.withLock { state in
      guard !state.isClosed else { return false }
      state.jobs.append(job)
      return state.jobs.count == 1
    }
    // Cannot fail: the counter is far from its end.
    if isFirst { eventfd_write(descriptor, 1) }
  }

  /// Everything that was posted.
  func take() -> [Job] {
    var count: eventfd_t = 0
    // Before the jobs are taken: one that is posted in between wakes the loop once in vain, and is not missed.
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
