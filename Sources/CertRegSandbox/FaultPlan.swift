import CertRegCore

/// How slow and how faulty the sandbox is.
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
  /// Answers for the next registrations in place of the true ones.
  package var answers: [ScriptedAnswer] = []

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

  /// An answer that is sent unchanged.
  package struct ScriptedAnswer: Hashable, Sendable {
    /// The HTTP status.
    package var status: Int
    /// `x-amzn-RequestId`, `Content-Type` and `Date` are added if they are missing.
    package var headers: [String: String]
    /// The body, sent unchanged.
    package var body: String
    /// How many registrations get it.
    package var times: Int
    /// Whether the operation is carried out first, as when an answer is lost or garbled on its way.
    package var isCarriedOut: Bool

    package init(
      status: Int, headers: [String: String] = [:], body: String = "", times: Int = 1, isCarriedOut: Bool = false
    ) {
      self.status = status
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
    package enum Cut: Hashable, Sendable {
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

  /// Draws the faults of the next call. Takes the same number of random values whatever the outcome, so that a seed gives
  /// the same sequence of faults under other rates.
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
