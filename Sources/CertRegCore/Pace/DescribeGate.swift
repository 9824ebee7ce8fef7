/// Decides when the calls of `describe` begin: at most so many at once in the whole daemon, and at a pace in each
/// target.
package struct DescribeGate: Sendable {
  /// The pace of one target.
  package struct Pace: Hashable, Sendable {
    /// Certificates a second, above 0.
    package var perSecond: Double
    /// Certificates that may be asked about at once after a pause, at least 1.
    package var burst: Int

    package init(perSecond: Double, burst: Int) {
      self.perSecond = perSecond
      self.burst = burst
    }
  }

  /// What becomes of a request.
  package enum Decision: Hashable, Sendable {
    /// Its call may begin at that time. ``ended()`` has to follow.
    case begin(MonotonicTime)
    /// So many are under way that another would be too much.
    case tooMany
    /// Its turn would come after the caller's time.
    case tooLate
  }

  /// The most at once.
  package static let maxUnderWay = 64
  /// The pause after a throttle that names none.
  private static let pause = Duration.seconds(1)

  private struct Turn: Sendable {
    /// When a call might begin if the pace allowed no burst.
    var next: MonotonicTime
    /// The end of the pause that a throttle asked for.
    var heldUntil: MonotonicTime
  }

  private var underWay = 0
  /// By target; a request of a target that is not configured never comes here.
  private var turns: [TargetName: Turn] = [:]

  package init() {}

  /// Decides about a request.
  ///
  /// - Parameters:
  ///   - target: The target to ask.
  ///   - pace: Its pace; `nil`: none.
  ///   - now: The present time.
  ///   - deadline: The end of the caller's time.
  package mutating func admit(
    _ target: TargetName, pace: Pace?, now: MonotonicTime, deadline: MonotonicTime
  ) -> Decision {
    guard underWay < Self.maxUnderWay else { return .tooMany }
    var turn = turns[target] ?? Turn(next: now, heldUntil: now)
    var begin = max(now, turn.heldUntil)
    if let pace {
      let interval = Duration.nanoseconds(Int64(1e9 / pace.perSecond))
      // A token bucket, kept as the time at which its last token is used up.
      turn.next = max(turn.next, begin)
      begin = max(begin, turn.next + .nanoseconds(-interval.nanoseconds * Int64(pace.burst - 1)))
      turn.next = turn.next + interval
    }
    guard begin < deadline else { return .tooLate }
    turns[target] = turn
    underWay += 1
    return .begin(begin)
  }

  /// A call ended.
  package mutating func ended() {
    underWay -= 1
  }

  /// The upstream throttled a call: none begins in that target for as long as the upstream asks for.
  package mutating func throttled(_ target: TargetName, retryAfter: Duration?, now: MonotonicTime) {
    turns[target, default: Turn(next: now, heldUntil: now)].heldUntil = now + (retryAfter ?? Self.pause)
  }
}
