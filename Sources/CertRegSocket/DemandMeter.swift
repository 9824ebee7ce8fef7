/// Tells from a count of answers from memory when they are asked for so often that others should give way to them.
struct DemandMeter {
  /// Answers a second.
  private static let pressingRate = 5000.0
  /// Nanoseconds from one look to the next: the clock may be some milliseconds behind.
  private static let interval: UInt64 = 5_000_000

  /// When the count was looked at last, and what it was. The first look is far from it: the clock counts from the host's start.
  private var mark: (time: UInt64, answers: Int) = (0, 0)

  /// Whether many answers came since the last look; `false` where that was a moment ago.
  ///
  /// - Parameters:
  ///   - answers: All of them so far.
  ///   - now: Nanoseconds of the monotonic clock.
  mutating func isPressing(answers: Int, at now: UInt64) -> Bool {
    guard now - mark.time >= Self.interval else { return false }
    let perSecond = Double(answers - mark.answers) / (Double(now - mark.time) / 1e9)
    mark = (now, answers)
    return perSecond >= Self.pressingRate
  }
}
