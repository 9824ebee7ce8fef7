import Glibc
import Synchronization

/// Whether somebody asked this process to stop with SIGINT or SIGTERM.
package enum Interruption {
  private static let flag = Atomic<Bool>(false)

  /// Whether a signal came since ``watch()``.
  package static var isRequested: Bool {
    flag.load(ordering: .relaxed)
  }

  /// Takes note of the first signal of each kind; the next one ends the process as usual.
  package static func watch() {
    // The first access makes the flag, which a signal handler must not do.
    flag.store(false, ordering: .relaxed)
    var action = sigaction()
    action.__sigaction_handler.sa_handler = { _ in Interruption.flag.store(true, ordering: .relaxed) }
    action.sa_flags = Int32(bitPattern: UInt32(SA_RESETHAND))
    sigaction(SIGINT, &action, nil)
    sigaction(SIGTERM, &action, nil)
  }
}
