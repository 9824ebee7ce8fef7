import NIOCore
import NIOPosix
import Synchronization

/// Hands jobs to the threads of a pool in the order in which they come, and wakes no more threads than there is work
/// for.
///
/// To wake a thread costs about as much as a verdict on a certificate. A thread that is awake therefore takes the jobs
/// that come, and at most one thread is on its way at a time: once there it wakes another where more jobs are waiting.
final class WorkQueue: Sendable {
  typealias Job = @Sendable () -> Void

  /// The decisions, without threads.
  struct State<Job> {
    private let threads: Int
    private var jobs = CircularBuffer<Job>()
    private var running = 0
    private var isOneOnItsWay = false

    init(threads: Int) {
      self.threads = threads
    }

    /// Adds a job; returns whether a thread has to be woken.
    mutating func append(_ job: Job) -> Bool {
      jobs.append(job)
      return wakesAnother()
    }

    /// A thread is there.
    mutating func begin() {
      isOneOnItsWay = false
      running += 1
    }

    /// The next job for a thread that is there, and whether another thread has to be woken; `nil`: there is none, and
    /// the thread is gone.
    mutating func next() -> (job: Job, wakesAnother: Bool)? {
      guard let job = jobs.popFirst() else {
        running -= 1
        return nil
      }
      return (job, wakesAnother())
    }

    private mutating func wakesAnother() -> Bool {
      guard !jobs.isEmpty, running < threads, !isOneOnItsWay else { return false }
      isOneOnItsWay = true
      return true
    }
  }

  private let pool: NIOThreadPool
  private let givingWay: GivingWay
  private let state: Mutex<State<Job>>

  init(pool: NIOThreadPool, threads: Int, givingWay: GivingWay) {
    self.pool = pool
    self.givingWay = givingWay
    state = Mutex(State(threads: threads))
  }

  /// Runs `job` on one of the threads.
  func submit(_ job: @escaping Job) {
    if state.withLock({ $0.append(job) }) { wakeThread() }
  }

  private func wakeThread() {
    pool.submit { _ in self.run() }
  }

  private func run() {
    state.withLock { $0.begin() }
    while let (job, wakesAnother) = state.withLock({ $0.next() }) {
      if wakesAnother { wakeThread() }
      job()
      givingWay.giveWay()
    }
  }
}
