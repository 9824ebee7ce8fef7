import Glibc
import Synchronization

/// Notes SIGINT and SIGTERM.
package enum Interruption {
  private static let flag = Atomic<Bool>(false)

  /// Whether a signal has come since ``watch()``.
  package static var isRequested: Bool {
    flag.load(ordering: .relaxed)
  }

  /// Begins to note signals. The first of each kind is noted; the next one ends the process as usual.
  package static func watch() {
    // The first access creates the flag, which a signal handler must not do.
    flag.store(false, ordering: .relaxed)
    var action = sigaction()
    action.__sigaction_handler.sa_handler = { _ in Interruption.flag.store(true, ordering: .relaxed) }
    action.sa_flags = Int32(bitPattern: UInt32(SA_RESETHAND))
    sigaction(SIGINT, &action, nil)
    sigaction(SIGTERM, &action, nil)
  }
}
