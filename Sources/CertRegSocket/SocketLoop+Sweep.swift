import CertRegCore

// What a loop looks at from time to time: idle connections, the common budget, a pause in accepting.
extension SocketLoop {
  /// Nanoseconds between two sweeps while connections wait for the common budget.
  static let budgetInterval: UInt64 = 50_000_000
  /// Nanoseconds between two sweeps while connections hold bytes of the common budget.
  private static let holdInterval: UInt64 = 1_000_000_000
  /// Nanoseconds without a byte of a line, after which a connection that holds bytes others wait for is closed.
  private static let silenceLimit: UInt64 = 10_000_000_000
  /// Nanoseconds that such a line may take as a whole: a byte now and then is no progress.
  private static let lineLimit: UInt64 = 60_000_000_000
  /// Nanoseconds in which a client reads none of its answers, after which its connection is closed if it holds bytes that
  /// others wait for.
  private static let unreadLimit: UInt64 = 60_000_000_000

  /// A connection waits for bytes of the common budget: the next sweep is soon.
  func awaitsBudget() {
    budget.noteAwaited(at: now)
    schedule(in: Self.budgetInterval)
  }

  /// A connection holds bytes of the common budget: sweeps look whether others, of whatever loop, wait for them.
  func holdsBudget() {
    schedule(in: Self.holdInterval)
  }

  /// How often idle connections are looked for.
  var idleInterval: UInt64? {
    guard let timeout = configuration.idleTimeout else { return nil }
    return min(1_000_000_000, max(Self.budgetInterval, UInt64(timeout.nanoseconds) / 8))
  }

  func schedule(in interval: UInt64) {
    nextSweep = min(nextSweep ?? .max, now + interval)
  }

  func sweep() {
    nextSweep = nil
    if isAcceptingPaused, let acceptor {
      isAcceptingPaused = false
      for descriptor in acceptor.descriptors { poller.modify(descriptor, .readable) }
    }
    for case let connection? in connections {
      if let timeout = configuration.idleTimeout, connection.output.isEmpty,
        connection.isIdle(for: UInt64(timeout.nanoseconds))
      {
        connection.closeIdle(after: UInt64(timeout.nanoseconds))
      } else if connection.awaitsBudget {
        connection.resume()
      }
    }
    let isAwaited = budget.isAwaited(at: now)
    for case let connection? in connections where connection.holdsUnreadAnswers {
      // The kernel says that there is room for more when three quarters of the last bytes are read.
      if isAwaited, connection.isOutputOverdue(after: Self.unreadLimit) { connection.resume() }
      if isAwaited, connection.isOutputOverdue(after: Self.unreadLimit) {
        connection.giveUpUnreadAnswers()
      } else {
        holdsBudget()
      }
    }
    for case let connection? in connections where connection.holdsUnfinishedLine {
      if isAwaited, connection.isLineOverdue(silence: Self.silenceLimit, whole: Self.lineLimit) {
        connection.giveUpUnfinishedLine()
      } else {
        holdsBudget()
      }
    }
    if counters.connectionsOpen > 0, let interval = idleInterval { schedule(in: interval) }
  }
}
