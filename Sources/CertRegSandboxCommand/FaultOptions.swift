import ArgumentParser
import CertRegSandbox

struct FaultOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "Milliseconds before each answer: a number, or a range to draw from.",
      discussion: """
        This option, --error-rate, --drop-rate, --reset-rate and --throttle-rate may be given more than once. A value \
        with OPERATION= in front, such as AttachPolicy=100, applies to that operation in place of the general one.
        """,
      valueName: "[operation=]ms[-ms]"),
    transform: ForOperation.init(text:))
  var latency: [ForOperation<LatencyArgument>] = []

  @Option(
    help: ArgumentHelp(
      "Share of calls that are answered with InternalFailureException or ServiceUnavailableException, 0 to 1.",
      discussion: "About half of these calls still take effect, as if only the answer was lost.",
      valueName: "[operation=]share"),
    transform: ForOperation.init(text:))
  var errorRate: [ForOperation<ShareArgument>] = []

  @Option(
    help: ArgumentHelp(
      "Share of calls whose connection is closed instead of an answer, 0 to 1.",
      discussion: "About half of these calls still take effect.", valueName: "[operation=]share"),
    transform: ForOperation.init(text:))
  var dropRate: [ForOperation<ShareArgument>] = []

  @Option(
    help: ArgumentHelp(
      "Share of calls whose connection is reset instead of an answer, 0 to 1.",
      discussion: "About half of these calls still take effect.", valueName: "[operation=]share"),
    transform: ForOperation.init(text:))
  var resetRate: [ForOperation<ShareArgument>] = []

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
        clockOffsetSeconds, answers and operations. The member answers is a list of answers to the next registrations, \
        each with status, headers, body, times (1) and carriedOut (false); with cut (closed or reset) in place of \
        status, the connection ends without an answer. The member operations is an object with latencyMs, errorRate, \
        dropRate, resetRate, throttlePerSecond, throttleBurst and answers for each operation by its name.
        """))
  var control = false

  @Option(
    help: ArgumentHelp(
      "Calls a second that each operation accepts; it answers others with ThrottlingException.",
      discussion: "BURST is the number of calls accepted at once (default: N).", valueName: "[operation=]n[:burst]"),
    transform: ForOperation.init(text:))
  var throttleRate: [ForOperation<ThrottleArgument>] = []

  @Option(help: ArgumentHelp("Seed of faults and IDs: runs with the same seed are alike.", valueName: "number"))
  var seed: UInt64?

  var plan: FaultPlan {
    var plan = FaultPlan(lieRate: lieRate)
    plan.set(latency, \.range, \.latency, \.latency)
    plan.set(errorRate, \.share, \.errorRate, \.errorRate)
    plan.set(dropRate, \.share, \.dropRate, \.dropRate)
    plan.set(resetRate, \.share, \.resetRate, \.resetRate)
    for argument in throttleRate {
      if let operation = argument.operation {
        plan.operations[operation, default: .init()].throttle = argument.value.rate
      } else {
        plan.throttle = argument.value.rate
      }
    }
    plan.bytesPerSecond = drip
    plan.expiredKeyIDs = Set(expireCredentials)
    plan.clockOffset = .seconds(clockOffset)
    return plan
  }

  func validate() throws {
    guard (0...1).contains(lieRate) else { throw ValidationError("--lie-rate takes a number from 0 to 1") }
    guard drip ?? 1 > 0 else { throw ValidationError("--drip takes a whole number above 0") }
    let limit = FaultPlan.clockOffsetLimitSeconds
    guard abs(clockOffset) <= limit else { throw ValidationError("--clock-offset takes at most \(Int(limit))") }
  }
}

extension FaultPlan {
  /// Sets the values of arguments, each for its operation, or for the operations that have none of their own.
  fileprivate mutating func set<Argument, Value>(
    _ arguments: [ForOperation<Argument>], _ value: KeyPath<Argument, Value>,
    _ general: WritableKeyPath<FaultPlan, Value>, _ single: WritableKeyPath<OperationFaults, Value?>
  ) {
    for argument in arguments {
      if let operation = argument.operation {
        operations[operation, default: OperationFaults()][keyPath: single] = argument.value[keyPath: value]
      } else {
        self[keyPath: general] = argument.value[keyPath: value]
      }
    }
  }
}
