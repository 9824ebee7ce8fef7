/// A pause after failures that doubles with each one, up to a limit, and is spread over half of its length so that many
/// hosts do not come back at once.
struct Hold: Sendable {
  let first: Duration
  let longest: Duration
  /// When the pause is over; `nil`: there is none.
  private(set) var until: MonotonicTime?
  /// Failures in a row.
  private(set) var failures = 0

  init(first: Duration, longest: Duration) {
    self.first = first
    self.longest = longest
  }

  /// Counts a failure and pauses.
  ///
  /// - Parameter random: A number in 0..<1.
  mutating func failed(now: MonotonicTime, random: Double) {
    failures += 1
    let step = Double(1 << min(failures - 1, 16)) * Double(first.nanoseconds)
    let capped = min(step, Double(longest.nanoseconds))
    extend(to: now + .nanoseconds(Int64(capped * (0.5 + random / 2))))
  }

  mutating func extend(to time: MonotonicTime) {
    until = max(until ?? time, time)
  }

  /// Something went well: there is no reason to pause.
  mutating func end() {
    until = nil
    failures = 0
  }

  /// The failures are no longer consecutive; the pause continues.
  mutating func interrupt() {
    failures = 0
  }

  /// When the pause is over, if that is after `now`.
  func end(after now: MonotonicTime) -> MonotonicTime? {
    until.flatMap { now < $0 ? $0 : nil }
  }
}
