import Glibc

/// A thread for work that blocks for long. A shared pool would have fewer threads for others meanwhile.
enum DetachedThread {
  private final class Work: Sendable {
    let body: @Sendable () -> Void

    init(_ body: @escaping @Sendable () -> Void) {
      self.body = body
    }
  }

  /// Runs `body` on a thread of its own, which ends with it.
  ///
  /// - Returns: Whether the thread could be started (`pthread_create(3)`); if not, `body` does not run.
  static func run(_ body: @escaping @Sendable () -> Void) -> Bool {
    var thread = pthread_t()
    // The thread owns the reference that the pointer stands for; only a thread that does not start leaves it here.
    let work = Unmanaged.passRetained(Work(body))
    let code = pthread_create(
      &thread, nil,
      { pointer in
        // Signals belong to the threads that wait for them.
        var all = sigset_t()
        sigfillset(&all)
        pthread_sigmask(SIG_BLOCK, &all, nil)
        if let pointer { Unmanaged<Work>.fromOpaque(pointer).takeRetainedValue().body() }
        return nil
      }, work.toOpaque())
    if code == 0 { pthread_detach(thread) } else { work.release() }
    return code == 0
  }
}
