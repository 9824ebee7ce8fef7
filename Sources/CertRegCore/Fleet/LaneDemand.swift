import Glibc

/// What a host has work for in one lane, from one exchange with the others to the next.
package struct LaneDemand: Sendable {
  /// Calls a second that a host wants for a job that waits: it would like it to end at once, and more may follow.
  private static let callsOfJob = 10.0
  /// How long a pause between two requests is remembered.
  private static let memoryOfPauses = Duration.seconds(5)
  /// A longer time without work is no pause between two requests.
  private static let longestPause = Duration.seconds(1)

  /// Calls a second; 0: no work.
  package private(set) var callsPerSecond = 0.0
  /// The time of the last exchange.
  private var at = MonotonicTime(nanoseconds: 0)
  /// The last time work waited.
  private var workedAt: MonotonicTime?
  /// When work came after a pause.
  private var pausedAt: MonotonicTime?

  package init() {}

  /// Notes what waits at an exchange. A host without work leaves the rate to the others at once: their last jobs would
  /// wait for it. A caller that sends one request after the other has work also between two of them, so that after a
  /// pause the want only halves in each quarter of a second.
  ///
  /// - Parameters:
  ///   - waiting: Jobs that wait for the call, and calls under way.
  ///   - rate: Calls a second of all hosts; more is no use to anybody. `nil`: not paced.
  ///   - now: The time of the exchange.
  package mutating func note(waiting: Int, rate: Double?, now: MonotonicTime) {
    let quarters = Double((now - at).milliseconds) / 250
    let rest = pausesNow(now) ? min(callsPerSecond, rate ?? .infinity) * exp2(-quarters) : 0
    if waiting > 0 {
      if let workedAt, workedAt < at, now - workedAt < Self.longestPause { pausedAt = now }
      workedAt = now
    }
    let want = max(Double(waiting) * Self.callsOfJob, rest)
    callsPerSecond = want < 1 ? 0 : want
    at = now
  }

  private func pausesNow(_ now: MonotonicTime) -> Bool {
    pausedAt.map { now - $0 < Self.memoryOfPauses } ?? false
  }
}
