/// When the calls of DescribeCertificate begin in one target, whatever they are made for: the account has one quota.
package struct DescribePace: Sendable {
  /// The time between two calls; zero: there is no pace.
  private let interval: Duration
  /// How long before its turn a call may begin: a token bucket holds the calls of a second.
  private let advance: Duration
  /// When a call might begin if the pace allowed no burst.
  private var next = MonotonicTime(nanoseconds: 0)
  /// The end of the pause that a throttle asked for.
  private var heldUntil = MonotonicTime(nanoseconds: 0)

  /// - Parameter perSecond: Calls a second, above 0; `nil`: no pace.
  package init(perSecond: Double?) {
    interval = perSecond.map { .nearest(toSeconds: 1 / $0) } ?? .zero
    advance = .nanoseconds(interval.nanoseconds * Int64(max(1, perSecond ?? 1) - 1))
  }

  /// Takes the next turn.
  ///
  /// - Returns: When the call may begin; `nil`: not before `deadline`, and no turn is taken.
  package mutating func takeTurn(now: MonotonicTime, deadline: MonotonicTime) -> MonotonicTime? {
    let earliest = max(now, heldUntil)
    let turn = max(next, earliest)
    let begin = max(earliest, turn + (.zero - advance))
    guard begin < deadline else { return nil }
    next = turn + interval
    return begin
  }

  /// The upstream throttled a call: none takes a turn before `time`, and the bucket is empty then.
  package mutating func hold(until time: MonotonicTime) {
    heldUntil = max(heldUntil, time)
    next = max(next, time + advance)
  }
}
