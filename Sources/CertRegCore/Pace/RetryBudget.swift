/// A limit on the load that retries add to an upstream: the retry quota of the AWS SDKs' standard mode.
///
/// Each retry takes from the budget, and each answer gives back. If the budget is used up, the SDKs let the call fail.
/// Here nothing may be lost: the retry still happens, but after the longest pause in place of the next one.
struct RetryBudget: Sendable {
  private static let capacity = 500
  private static let cost = 5
  private static let costAfterTimeout = 10
  private static let gainOfFirstTry = 1

  private(set) var left = capacity

  /// Takes the amount of one retry; `nil` if the budget is used up.
  mutating func take(afterTimeout: Bool) -> Int? {
    let cost = afterTimeout ? Self.costAfterTimeout : Self.cost
    guard left >= cost else { return nil }
    left -= cost
    return cost
  }

  /// A call was answered. `taken`: what its last retry took; zero for a first try.
  mutating func answered(taken: Int) {
    left = min(Self.capacity, left + max(taken, Self.gainOfFirstTry))
  }
}
