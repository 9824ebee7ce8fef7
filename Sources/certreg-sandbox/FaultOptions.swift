import ArgumentParser
import CertRegSandbox

struct FaultOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp("Milliseconds before each answer: a number, or a range to draw from.", valueName: "ms[-ms]"))
  var latency: LatencyArgument?

  @Option(
    help: ArgumentHelp(
      "Share of calls that are answered with InternalFailureException or ServiceUnavailableException, 0 to 1.",
      discussion: "About half of them take effect all the same, as when an answer is lost.", valueName: "share"))
  var errorRate = 0.0

  @Option(
    help: ArgumentHelp(
      "Share of calls whose connection is closed instead of an answer, 0 to 1.",
      discussion: "About half of them take effect all the same.", valueName: "share"))
  var dropRate = 0.0

  @Option(
    help: ArgumentHelp(
      "Calls a second that each operation takes before it answers ThrottlingException.",
      discussion: "BURST is how many may come at once; left out, as many as come in a second.", valueName: "n[:burst]"))
  var throttleRate: ThrottleArgument?

  @Option(help: ArgumentHelp("Makes the faults and IDs of one run those of another.", valueName: "number"))
  var seed: UInt64?

  var plan: FaultPlan {
    FaultPlan(latency: latency?.range ?? .zero ... .zero, errorRate: errorRate, dropRate: dropRate)
  }

  func validate() throws {
    guard (0...1).contains(errorRate) else { throw ValidationError("--error-rate takes a number from 0 to 1") }
    guard (0...1).contains(dropRate) else { throw ValidationError("--drop-rate takes a number from 0 to 1") }
  }
}

/// `MS` or `MS-MS`.
struct LatencyArgument: ExpressibleByArgument {
  var range: ClosedRange<Duration>

  init?(argument: String) {
    let parts = argument.split(separator: "-", omittingEmptySubsequences: false).map { Double($0) ?? -1 }
    guard let low = parts.first, let high = parts.last, parts.count <= 2, low >= 0, high >= low, high <= 3_600_000
    else { return nil }
    range = .seconds(low / 1000) ... .seconds(high / 1000)
  }
}

/// `N` or `N:BURST`.
struct ThrottleArgument: ExpressibleByArgument {
  var rate: ThrottleRate

  init?(argument: String) {
    let parts = argument.split(separator: ":", omittingEmptySubsequences: false).map { Double($0) ?? -1 }
    guard let perSecond = parts.first, parts.count <= 2, perSecond > 0, perSecond.isFinite else { return nil }
    if parts.count == 1 {
      rate = ThrottleRate(perSecond: perSecond)
    } else {
      guard parts[1] >= 1, parts[1].isFinite else { return nil }
      rate = ThrottleRate(perSecond: perSecond, burst: parts[1])
    }
  }
}
