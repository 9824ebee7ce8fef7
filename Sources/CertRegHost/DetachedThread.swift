import Glibc

/// A thread for work that may wait long and that nothing waits for.
package enum DetachedThread {
  private final class Work: Sendable {
    let run: @Sendable () -> Void

    init(_ run: @escaping @Sendable () -> Void) {
      self.run = run
    }
  }

  /// Runs `body` on a thread of its own, which ends with it.
  ///
  /// - Throws: `failed` where the system gives no thread; `body` is not called then.
  package static func run(_ body: @escaping @Sendable () -> Void) throws(HostError) {
    var thread = pthread_t()
    // Balanced in the thread's function, which takes the reference over.
    let reference = Unmanaged.passRetained(Work(body))
    let result = pthread_create(
      &thread, nil,
      { argument in
        guard let argument else { return nil }
        // Signals belong to the threads that wait for them.
        var all = sigset_t()
        sigfillset(&all)
        pthread_sigmask(SIG_BLOCK, &all, nil)
        Unmanaged<Work>.fromOpaque(argument).takeRetainedValue().run()
        return nil
      }, reference.toOpaque())
    guard result == 0 else {
      reference.release()
      throw HostError(errno: result, call: "pthread_create", subject: "thread")
    }
    pthread_detach(thread)
  }
}
