import CSystemd
import Glibc

/// A counting semaphore (sem_overview(7)) for a thread that has nothing else to do than wait.
final class ThreadSemaphore: Sendable {
  /// sem_post(3) and sem_wait(3) may be called from any thread; the memory is this object's own until `deinit`, and its
  /// address never changes, which sem_t needs.
  private nonisolated(unsafe) let semaphore: UnsafeMutablePointer<sem_t>

  init() {
    semaphore = .allocate(capacity: 1)
    semaphore.initialize(to: sem_t())
    sem_init(semaphore, 0, 0)
  }

  deinit {
    sem_destroy(semaphore)
    semaphore.deallocate()
  }

  func signal() { sem_post(semaphore) }

  func wait() {
    // EINTR is the only failure that an initialised semaphore has.
    while sem_wait(semaphore) != 0 {}
  }

  /// Whether a signal came before `milliseconds` went by.
  func wait(milliseconds: Int64) -> Bool {
    var deadline = timespec()
    clock_gettime(CLOCK_MONOTONIC, &deadline)
    let nanoseconds = Int64(deadline.tv_nsec) + milliseconds % 1000 * 1_000_000
    deadline.tv_sec += Int(milliseconds / 1000 + nanoseconds / 1_000_000_000)
    deadline.tv_nsec = Int(nanoseconds % 1_000_000_000)
    while certreg_sem_wait_until(semaphore, &deadline) != 0 {
      if errno != EINTR { return false }
    }
    return true
  }
}
