/// How long to wait before a failed call is made again: exponential backoff with full jitter, as in the standard retry
/// mode of the AWS SDKs (https://docs.aws.amazon.com/sdkref/latest/guide/feature-retry-behavior.html).
struct RetryPolicy: Sendable {
  /// Between tries while a caller waits.
  static let longestAwaitedPause = Duration.seconds(4)
  static let longestPause = Duration.seconds(20)
  private static let firstPauseMilliseconds: Int64 = 100

  private var generator: SplitMix64

  init(seed: UInt64) {
    generator = SplitMix64(seed: seed)
  }

  /// A number in 0..<1.
  mutating func random() -> Double {
    Double.random(in: 0..<1, using: &generator)
  }

  /// The pause after a throttle. The pace decides how many calls begin; the pause only keeps them from beginning
  /// together.
  mutating func pauseAfterThrottle() -> Duration {
    .milliseconds(50 + Int64.random(in: 0..<200, using: &generator))
  }

  /// The pause after a call that failed for another reason.
  ///
  /// - Parameters:
  ///   - attempts: How many calls failed so far, this one included.
  ///   - isAwaited: Whether a caller waits.
  ///   - hasBudget: Whether the retry budget allows the retry: see ``RetryBudget``. Where it does not, the pause is
  ///     about the longest.
  mutating func pause(attempts: Int, isAwaited: Bool, hasBudget: Bool) -> Duration {
    let longest = (isAwaited ? Self.longestAwaitedPause : Self.longestPause).milliseconds
    guard hasBudget else { return .milliseconds(Int64.random(in: (longest / 2)...longest, using: &generator)) }
    let ceiling = min(longest, Self.firstPauseMilliseconds << Int64(min(attempts, 12)))
    return .milliseconds(Int64.random(in: 0...ceiling, using: &generator))
  }
}
