import CertRegCore

/// How slow and how faulty the sandbox is, and each of its operations.
package struct FaultPlan: Hashable, Sendable {
  /// Time between a request and its answer; each is drawn evenly from the range.
  package var latency: ClosedRange<Duration>
  /// Probability that an answer is InternalFailureException or ServiceUnavailableException.
  package var errorRate: Double
  /// Probability that a connection is closed in place of an answer.
  package var dropRate: Double
  /// Probability that a connection is reset (TCP RST) there.
  package var resetRate: Double
  /// Probability that a registration is answered with the ID and ARN of another certificate.
  package var lieRate: Double
  /// How fast the bodies of answers are sent; `nil`: at once. Greater than zero.
  package var bytesPerSecond: Int?
  /// How often each operation may be called; `nil`: without limit.
  package var throttle: ThrottleRate?
  /// Access key IDs whose session is over: ExpiredTokenException.
  package var expiredKeyIDs: Set<String> = []
  /// How far the endpoint's clock is ahead of the system's.
  package var clockOffset = Duration.zero
  /// The greatest `clockOffset` to either side, in seconds.
  package static let clockOffsetLimitSeconds = 1e9
  /// Answers for the next registrations in place of the true ones.
  package var answers: [ScriptedAnswer] = []
  /// What differs for single operations.
  package var operations: [SandboxOperation.Name: OperationFaults] = [:]

  /// No faults.
  package static let none = FaultPlan()

  package init(
    latency: ClosedRange<Duration> = .zero ... .zero, errorRate: Double = 0, dropRate: Double = 0,
    resetRate: Double = 0, lieRate: Double = 0
  ) {
    self.latency = latency
    self.errorRate = errorRate
    self.dropRate = dropRate
    self.resetRate = resetRate
    self.lieRate = lieRate
  }

  /// The faults of one operation. What is `nil` is as for all operations.
  package struct OperationFaults: Hashable, Sendable {
    /// In place of the plan's latency.
    package var latency: ClosedRange<Duration>?
    /// In place of the plan's rate of errors.
    package var errorRate: Double?
    /// In place of the plan's rate of closed connections.
    package var dropRate: Double?
    /// In place of the plan's rate of reset connections.
    package var resetRate: Double?
    /// In place of the plan's throttle.
    package var throttle: ThrottleRate?
    /// Answers for the next calls in place of the true ones.
    package var answers: [ScriptedAnswer] = []

    package init() {}
  }

  /// The plan as it applies to an operation.
  package func plan(for name: SandboxOperation.Name) -> FaultPlan {
    guard let faults = operations[name] else { return self }
    var plan = self
    plan.latency = faults.latency ?? latency
    plan.errorRate = faults.errorRate ?? errorRate
    plan.dropRate = faults.dropRate ?? dropRate
    plan.resetRate = faults.resetRate ?? resetRate
    plan.throttle = faults.throttle ?? throttle
    return plan
  }

  /// Takes the scripted answer to the next call of an operation; `nil` if the plan has none.
  package mutating func takeAnswer(for name: SandboxOperation.Name) -> ScriptedAnswer? {
    if let answer = operations[name]?.answers.takeNext() { return answer }
    return name == .registerCertificateWithoutCA ? answers.takeNext() : nil
  }

  /// An answer that is sent unchanged.
  package struct ScriptedAnswer: Hashable, Sendable {
    /// The HTTP status; `nil` if `cut` says how the connection ends in place of an answer.
    package var status: Int?
    /// How the connection ends in place of an answer.
    package var cut: Draw.Cut?
    /// `x-amzn-RequestId`, `Content-Type` and `Date` are added if they are missing.
    package var headers: [String: String]
    /// The body, sent unchanged.
    package var body: String
    /// How many calls get it.
    package var times: Int
    /// Whether the operation is carried out first, as when an answer is lost or garbled on its way.
    package var isCarriedOut: Bool

    package init(
      status: Int?, cut: Draw.Cut? = nil, headers: [String: String] = [:], body: String = "", times: Int = 1,
      isCarriedOut: Bool = false
    ) {
      self.status = status
      self.cut = cut
      self.headers = headers
      self.body = body
      self.times = times
      self.isCarriedOut = isCarriedOut
    }
  }

  /// The faults of one call.
  package struct Draw: Hashable, Sendable {
    /// When a fault happens.
    package enum Moment: Hashable, Sendable {
      /// The operation is not carried out.
      case before
      /// The operation is carried out and its answer is lost.
      case after
    }

    /// How a connection ends in place of an answer.
    package enum Cut: String, CaseIterable, Sendable {
      case closed
      case reset
    }

    /// The time between the request and the answer.
    package var latency: Duration
    /// The error that is answered in place of the result.
    package var error: SandboxError?
    /// How the connection ends in place of an answer; `nil` if it does not.
    package var cut: Cut?
    /// When `error` or the cut happens. Callers cannot tell the difference and have to cope with both.
    package var moment: Moment
    /// Whether another certificate is named.
    package var isLie: Bool
  }

  /// Draws the faults of the next call. Takes the same number of random values whatever the outcome, so that a seed
  /// gives the same sequence of faults under other rates.
  package func draw(using generator: inout some RandomNumberGenerator) -> Draw {
    func share() -> Double { Double.random(in: 0..<1, using: &generator) }
    let delay = latency.lowerBound + (latency.upperBound - latency.lowerBound) * share()
    let (errorDraw, dropDraw, resetDraw, lieDraw) = (share(), share(), share(), share())
    let isUnavailable = Bool.random(using: &generator)
    let isAfter = Bool.random(using: &generator)
    var error: SandboxError?
    if errorDraw < errorRate {
      error =
        isUnavailable
        ? SandboxError(.serviceUnavailable, "The service is temporarily unavailable.")
        : SandboxError(.internalFailure, "An unexpected error has occurred.")
    }
    let cut: Draw.Cut? = dropDraw < dropRate ? .closed : resetDraw < resetRate ? .reset : nil
    return Draw(
      latency: delay, error: error, cut: cut, moment: isAfter ? .after : .before, isLie: lieDraw < lieRate)
  }
}

extension [FaultPlan.ScriptedAnswer] {
  /// The first answer, which is removed when it has been given as often as it says.
  fileprivate mutating func takeNext() -> FaultPlan.ScriptedAnswer? {
    guard let answer = first else { return nil }
    if answer.times > 1 { self[0].times -= 1 } else { removeFirst() }
    return answer
  }
}
