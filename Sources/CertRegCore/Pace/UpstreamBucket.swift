/// A model of the upstream's own token bucket, so that a call arrives when there is a token for it.
///
/// The bucket fills up to the burst, at a rate that each event passes in. After a pause it does not fill until the
/// first call is answered: the upstream's bucket fills from the arrival of that call, which only the answer shows.
struct UpstreamBucket: Sendable {
  private(set) var burst: Double
  private(set) var tokens: Double
  private var filledAt: MonotonicTime
  /// When a token was taken last; `nil`: none was.
  private(set) var takenAt: MonotonicTime?
  /// The start of an unanswered call that began while the bucket was full. Only its answer shows since when the
  /// upstream's bucket fills again.
  private var openedAt: MonotonicTime?
  private var shortestCall: Duration?

  init(burst: Double, now: MonotonicTime) {
    self.burst = burst
    tokens = burst
    filledAt = now
  }

  /// Whether it waits for the answer to the first call after a pause.
  var isOpen: Bool { openedAt != nil }

  mutating func setBurst(_ burst: Double) {
    self.burst = burst
    tokens = min(tokens, burst)
  }

  /// The tokens at `now`.
  func level(now: MonotonicTime, rate: Double) -> Double {
    guard let from = fillsFrom(now: now, rate: rate), now > from else { return tokens }
    return min(burst, tokens + rate * Double((now - from).nanoseconds) / 1e9)
  }

  func timeOfNextToken(now: MonotonicTime, rate: Double) -> MonotonicTime {
    let level = level(now: now, rate: rate)
    if level >= 1 { return now }
    if let openedAt, fillsFrom(now: now, rate: rate) == nil { return openedAt + longestOpening(rate: rate) }
    return now + .nearest(toSeconds: (1 - level) / rate) + .nanoseconds(1)
  }

  mutating func fill(now: MonotonicTime, rate: Double) {
    tokens = level(now: now, rate: rate)
    if fillsFrom(now: now, rate: rate) != nil {
      openedAt = nil
      filledAt = max(filledAt, now)
    }
  }

  /// Takes the token of a call that begins.
  mutating func take(now: MonotonicTime) {
    takenAt = now
    if tokens >= burst, openedAt == nil { openedAt = now }
    tokens -= 1
  }

  /// What the bucket has lost since it was full.
  func overflow(now: MonotonicTime, rate: Double) -> Double {
    guard let from = fillsFrom(now: now, rate: rate), now > from else { return 0 }
    return tokens + rate * Double((now - from).nanoseconds) / 1e9 - burst
  }

  /// Adds a part of a token, which the bucket holds beside a full one.
  mutating func add(_ part: Double) {
    tokens += part
  }

  /// Takes the token of a call that was let through without one.
  mutating func charge() {
    tokens -= 1
  }

  /// Gives back the token of a call that did not need it.
  mutating func giveBack() {
    tokens = min(burst, tokens + 1)
  }

  /// The upstream reported that its bucket is empty.
  ///
  /// - Parameter owed: The number of calls under way that need tokens it does not have yet.
  mutating func emptied(now: MonotonicTime, owed: Int) {
    tokens = min(tokens, -Double(owed))
    filledAt = now
    openedAt = nil
  }

  /// Leaves at most this number of tokens.
  mutating func cap(at most: Double) {
    tokens = min(tokens, most)
  }

  /// Leaves a part of the tokens, 0...1.
  mutating func scale(by part: Double) {
    if tokens > 0 { tokens *= part }
  }

  /// A call that was sent at `startedAt` has ended.
  ///
  /// A full bucket of the upstream fills again from the first call that it takes. That was before the answer, by no
  /// less than the shortest call took: the time that the first call took to connect must not count as time in which
  /// tokens came.
  mutating func callEnded(startedAt: MonotonicTime, now: MonotonicTime) {
    if let openedAt, startedAt >= openedAt {
      filledAt = max(openedAt, now + (.zero - (shortestCall ?? .zero)))
      self.openedAt = nil
    }
    shortestCall = min(shortestCall ?? .seconds(3600), now - startedAt)
  }

  /// The longest time that the bucket does not fill because of a missing answer.
  private func longestOpening(rate: Double) -> Duration {
    .nearest(toSeconds: min(1, burst / rate))
  }

  /// The time from which the bucket fills; `nil` if it does not fill yet.
  private func fillsFrom(now: MonotonicTime, rate: Double) -> MonotonicTime? {
    guard let openedAt else { return filledAt }
    let latest = openedAt + longestOpening(rate: rate)
    return now >= latest ? latest : nil
  }
}
