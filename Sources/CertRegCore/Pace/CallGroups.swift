/// Lets calls begin in small groups while the daemon has more pressing work. What a group sets off is done before the
/// next begins, so that the more pressing work seldom meets it. 2,500 calls a second are more than any quota of AWS.
package struct CallGroups: Sendable {
  private static let size = 4
  private static let interval = Duration.microseconds(1600)

  private var beganAt: MonotonicTime
  private var begun = 0

  package init(now: MonotonicTime) {
    beganAt = now
  }

  /// How many of the calls that are ready may begin at `now`; they are counted.
  ///
  /// - Parameters:
  ///   - ready: How many calls wait for their beginning.
  ///   - now: The time of the question.
  ///   - givesWay: Whether there is more pressing work.
  package mutating func begin(_ ready: Int, now: MonotonicTime, givesWay: Bool) -> Int {
    if now - beganAt >= Self.interval { (beganAt, begun) = (now, 0) }
    let count = givesWay ? min(ready, max(0, Self.size - begun)) : ready
    begun += count
    return count
  }

  /// When the next group may begin.
  package var nextGroup: MonotonicTime { beganAt + Self.interval }
}
