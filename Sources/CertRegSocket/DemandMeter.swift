/// Decides, from a count of answers from memory, whether there are so many that other work should give way to them.
struct DemandMeter {
  /// Answers a second.
  private static let pressingRate = 5000.0
  /// Nanoseconds between two looks at the count.
  private static let interval: UInt64 = 5_000_000

  /// The time and the count of the last look. The first look is long after 0: the clock counts from the host's start.
  private var mark: (time: UInt64, answers: Int) = (0, 0)

  /// Whether many answers came since the last look; `false` where that was less than the interval ago.
  ///
  /// - Parameters:
  ///   - answers: The count since the start.
  ///   - now: Nanoseconds of the monotonic clock.
  mutating func isPressing(answers: Int, at now: UInt64) -> Bool {
    guard now - mark.time >= Self.interval else { return false }
    let perSecond = Double(answers - mark.answers) / (Double(now - mark.time) / 1e9)
    mark = (now, answers)
    return perSecond >= Self.pressingRate
  }
}
