import CSystemd
import Glibc

/// Tells the service manager the state of the daemon. Does nothing without a manager that listens.
package struct ServiceNotifier: Sendable {
  private let send: @Sendable (String) -> Void
  private let monotonicMicroseconds: @Sendable () -> UInt64

  /// How often the manager wants to hear `pingWatchdog()`, at the least; `nil` if it has no watchdog for this process.
  /// At most a day: longer intervals of the manager are met as well.
  package let watchdogInterval: Duration?

  /// Whether no service manager listens.
  package let isSilent: Bool

  /// - Parameters:
  ///   - watchdogInterval: see the property.
  ///   - monotonicMicroseconds: reads `CLOCK_MONOTONIC`, which the manager compares with its own.
  ///   - isSilent: whether there is no service manager to tell.
  ///   - send: takes the assignments of one datagram. Must not block.
  package init(
    watchdogInterval: Duration? = nil,
    monotonicMicroseconds: @escaping @Sendable () -> UInt64 = { readMonotonicMicroseconds() },
    isSilent: Bool = false, send: @escaping @Sendable (String) -> Void
  ) {
    self.isSilent = isSilent
    self.watchdogInterval = watchdogInterval.map { min($0, .seconds(86_400)) }
    self.monotonicMicroseconds = monotonicMicroseconds
    self.send = send
  }

  /// The notifier for `$NOTIFY_SOCKET` and `$WATCHDOG_USEC` of the process, as sd_notify(3) and sd_watchdog_enabled(3)
  /// read them.
  ///
  /// Both variables stay set; a child process must be started without them.
  package static func fromEnvironment() -> ServiceNotifier {
    guard getenv("NOTIFY_SOCKET") != nil else { return .silent }
    var microseconds: UInt64 = 0
    let watchdog = sd_watchdog_enabled(0, &microseconds) > 0
    return ServiceNotifier(watchdogInterval: watchdog ? .microseconds(Int64(clamping: microseconds)) : nil) { text in
      // A manager that went away is no reason to stop serving, so the result is not looked at.
      _ = sd_notify(0, text)
    }
  }

  /// For a process without a service manager.
  package static let silent = ServiceNotifier(isSilent: true) { _ in }

  /// Says that the daemon answers, at the end of the start or of a reload.
  package func ready(status: String) { notify(.ready(status: status)) }

  /// Replaces the line that `systemctl status` shows.
  package func status(_ text: String) { notify(.status(text)) }

  /// Says that a reload began. `ready(status:)` must follow, whether the new configuration was taken or not.
  package func reloading() { notify(.reloading(monotonicMicroseconds: monotonicMicroseconds())) }

  /// Says that the daemon has begun to end.
  package func stopping(status: String) { notify(.stopping(status: status)) }

  /// Says that the daemon is alive. See ``WatchdogSupervisor`` for when.
  package func pingWatchdog() { notify(.watchdog) }

  /// Asks for more time for the start or stop that is under way, counted from now.
  package func extendTimeout(by duration: Duration) { notify(.extendTimeout(duration)) }

  private func notify(_ notification: ServiceNotification) {
    send(notification.assignments)
  }
}

/// `CLOCK_MONOTONIC` in microseconds.
package func readMonotonicMicroseconds() -> UInt64 {
  var now = timespec()
  clock_gettime(CLOCK_MONOTONIC, &now)
  return UInt64(now.tv_sec) * 1_000_000 + UInt64(now.tv_nsec) / 1000
}
