import CSystemd
import CertRegCore
import Glibc
import Synchronization

/// Writes records on a separate thread, so that a slow journal or a stuck pipe never holds up the daemon.
///
/// The number of waiting records is limited. Further records are dropped and counted, and the count is reported once
/// there is room again.
package final class LogWriter: Sendable {
  private enum Item {
    /// Made on the writer's thread, so that callers pay only for collecting the facts.
    case record(@Sendable () -> LogRecord)
    case dropped(Int)
    case marker(ThreadSemaphore)
  }

  private struct Queue {
    var items: [Item] = []
    var dropped = 0
  }

  /// Protects what waits to be written. Never held while writing.
  private let queue = Mutex(Queue())
  private let wakeUp = ThreadSemaphore()
  private let write: @Sendable ([LogRecord]) -> Void
  private let makeDropReport: @Sendable (Int) -> LogRecord
  private let capacity: Int
  private static let batchLimit = 64
  /// After a write the thread sleeps that long: to be woken for each record would cost more, under load, than writing
  /// it.
  private static let pauseMicroseconds: UInt32 = 2000
  private let lost = Atomic<Int>(0)

  /// How many records were dropped so far.
  package var droppedCount: Int { lost.load(ordering: .relaxed) }

  /// - Parameters:
  ///   - capacity: most records that wait.
  ///   - makeDropReport: makes the record that reports a number of dropped records.
  ///   - write: called on the writer's thread with the next records in order; may block.
  package init(
    capacity: Int, makeDropReport: @escaping @Sendable (Int) -> LogRecord,
    write: @escaping @Sendable ([LogRecord]) -> Void
  ) {
    self.capacity = capacity
    self.makeDropReport = makeDropReport
    self.write = write
  }

  /// Starts the thread, which lives as long as the process.
  /// - Throws: `failed` where the system gives no thread.
  package func start() throws(HostError) {
    var thread = pthread_t()
    // Balanced in the thread's function, which takes the reference over.
    let reference = Unmanaged.passRetained(self)
    let result = pthread_create(
      &thread, nil,
      { argument in
        guard let argument else { return nil }
        Unmanaged<LogWriter>.fromOpaque(argument).takeRetainedValue().run()
      }, reference.toOpaque())
    guard result == 0 else {
      reference.release()
      throw HostError(errno: result, call: "pthread_create", subject: "log")
    }
    _ = certreg_name_thread(thread, "log")
    pthread_detach(thread)
  }

  /// Takes what `record` will make without waiting for anything but a short lock.
  package func enqueue(_ record: @escaping @Sendable () -> LogRecord) {
    let isFirst = queue.withLock { queue in
      guard queue.items.count < capacity else {
        queue.dropped += 1
        lost.wrappingAdd(1, ordering: .relaxed)
        return false
      }
      let isFirst = queue.items.isEmpty
      if queue.dropped > 0 {
        queue.items.append(.dropped(queue.dropped))
        queue.dropped = 0
      }
      queue.items.append(.record(record))
      return isFirst
    }
    if isFirst { wakeUp.signal() }
  }

  /// Waits until everything that was taken before is written, at most for `limit`. Returns whether it is.
  @discardableResult
  package func flush(within limit: Duration) -> Bool {
    let done = ThreadSemaphore()
    queue.withLock { queue in
      if queue.dropped > 0 {
        queue.items.append(.dropped(queue.dropped))
        queue.dropped = 0
      }
      queue.items.append(.marker(done))
    }
    wakeUp.signal()
    return done.wait(milliseconds: max(0, limit.milliseconds))
  }

  private func run() -> Never {
    // Signals belong to the threads that wait for them; a broken pipe is an error of write(2) here.
    var all = sigset_t()
    sigfillset(&all)
    pthread_sigmask(SIG_BLOCK, &all, nil)
    while true {
      wakeUp.wait()
      let items = queue.withLock { queue in
        let items = queue.items
        queue.items = []
        return items
      }
      var batch: [LogRecord] = []
      for item in items {
        switch item {
        case .record(let make): batch.append(make())
        case .dropped(let count): batch.append(makeDropReport(count))
        case .marker(let semaphore):
          write(batch)
          batch = []
          semaphore.signal()
        }
        if batch.count >= LogWriter.batchLimit {
          write(batch)
          batch.removeAll(keepingCapacity: true)
        }
      }
      if !batch.isEmpty { write(batch) }
      // Callers that log during this time need not wake the thread. The first message after a pause is already written.
      usleep(LogWriter.pauseMicroseconds)
    }
  }
}
