import CertRegCore

/// A message to the service manager in the form of sd_notify(3).
package enum ServiceNotification: Hashable, Sendable {
  /// The daemon answers; also the end of a reload.
  case ready(status: String)
  /// One line for `systemctl status`.
  case status(String)
  /// A reload began, at `monotonicMicroseconds` of `CLOCK_MONOTONIC`; `ready` must follow.
  case reloading(monotonicMicroseconds: UInt64)
  /// The daemon has begun to end.
  case stopping(status: String)
  /// Every part of the daemon is alive.
  case watchdog
  /// Whatever the manager waits for (start, stop) may take this much longer, counted from now.
  case extendTimeout(Duration)

  /// The longest status text that is sent, in UTF-8 bytes.
  package static let statusLimitBytes = 256

  /// The assignments, one a line, as they go into the datagram.
  package var assignments: String {
    switch self {
    case .ready(let status): "READY=1\nSTATUS=\(Self.oneLine(status))"
    case .status(let status): "STATUS=\(Self.oneLine(status))"
    case .reloading(let microseconds): "RELOADING=1\nMONOTONIC_USEC=\(microseconds)"
    case .stopping(let status): "STOPPING=1\nSTATUS=\(Self.oneLine(status))"
    case .watchdog: "WATCHDOG=1"
    case .extendTimeout(let duration): "EXTEND_TIMEOUT_USEC=\(max(0, duration.nanoseconds / 1000))"
    }
  }

  /// A line break in a status would begin another assignment, and the text ends on an operator's terminal.
  private static func oneLine(_ status: String) -> String {
    LogText.escaped(status, limitBytes: statusLimitBytes)
  }
}
