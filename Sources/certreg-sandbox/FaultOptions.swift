import ArgumentParser
import CertRegSandbox

struct FaultOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp("Milliseconds before each answer: a number, or a range to draw from.", valueName: "ms[-ms]"))
  var latency: LatencyArgument?

  @Option(
    help: ArgumentHelp(
      "Share of calls that are answered with InternalFailureException or ServiceUnavailableException, 0 to 1.",
      discussion: "About half of these calls still take effect, as if only the answer was lost.", valueName: "share"))
  var errorRate = 0.0

  @Option(
    help: ArgumentHelp(
      "Share of calls whose connection is closed instead of an answer, 0 to 1.",
      discussion: "About half of these calls still take effect.", valueName: "share"))
  var dropRate = 0.0

  @Option(
    help: ArgumentHelp(
      "Share of calls whose connection is reset instead of an answer, 0 to 1.",
      discussion: "About half of these calls still take effect.", valueName: "share"))
  var resetRate = 0.0

  @Option(
    help: ArgumentHelp(
      "Share of registrations that are answered with another certificate's ID, 0 to 1.", valueName: "share"))
  var lieRate = 0.0

  @Option(help: ArgumentHelp("Bytes a second at which bodies of answers are sent.", valueName: "number"))
  var drip: Int?

  @Option(
    help: ArgumentHelp(
      "Answer ExpiredTokenException to requests signed with this access key; may be given more than once.",
      valueName: "id"))
  var expireCredentials: [String] = []

  @Option(
    parsing: .unconditional,
    help: ArgumentHelp("Time by which the clock is ahead of the system's; negative for behind.", valueName: "seconds"))
  var clockOffset = 0.0

  @Flag(
    help: ArgumentHelp(
      "Accept changes of the faults at run time.",
      discussion: """
        PUT /sandbox/faults replaces all faults by those in a JSON object with any of latencyMs ([least, most]), \
        errorRate, dropRate, resetRate, lieRate, dripBytesPerSecond, throttlePerSecond, throttleBurst, expiredKeyIds, \
        clockOffsetSeconds and answers. The last is a list of answers to the next registrations, each with status, \
        headers, body, times (1) and carriedOut (false).
        """))
  var control = false

  @Option(
    help: ArgumentHelp(
      "Calls a second that each operation accepts; it answers others with ThrottlingException.",
      discussion: "BURST is the number of calls accepted at once (default: N).", valueName: "n[:burst]"))
  var throttleRate: ThrottleArgument?

  @Option(help: ArgumentHelp("Seed of faults and IDs: runs with the same seed are alike.", valueName: "number"))
  var seed: UInt64?

  var plan: FaultPlan {
    var plan = FaultPlan(
      latency: latency?.range ?? .zero ... .zero, errorRate: errorRate, dropRate: dropRate, resetRate: resetRate,
      lieRate: lieRate)
    plan.bytesPerSecond = drip
    plan.throttle = throttleRate?.rate
    plan.expiredKeyIDs = Set(expireCredentials)
    plan.clockOffset = .seconds(clockOffset)
    return plan
  }

  func validate() throws {
    for (name, share) in [
      ("error", errorRate), ("drop", dropRate), ("reset", resetRate), ("lie", lieRate),
    ] where !(0...1).contains(share) {
      throw ValidationError("--\(name)-rate takes a number from 0 to 1")
    }
    guard drip ?? 1 > 0 else { throw ValidationError("--drip takes a number above 0") }
    guard abs(clockOffset) <= 1e9 else { throw ValidationError("--clock-offset takes at most 1000000000") }
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
