/// How slow and how faulty the sandbox is.
package struct FaultPlan: Hashable, Sendable {
  /// Time between a request and its answer; each is drawn evenly from the range.
  package var latency: ClosedRange<Duration>
  /// Probability that an answer is InternalFailureException or ServiceUnavailableException.
  package var errorRate: Double
  /// Probability that a connection is closed where the answer ought to be.
  package var dropRate: Double

  package static let none = FaultPlan()

  package init(
    latency: ClosedRange<Duration> = .zero ... .zero, errorRate: Double = 0, dropRate: Double = 0
  ) {
    self.latency = latency
    self.errorRate = errorRate
    self.dropRate = dropRate
  }

  /// What befalls one call.
  package struct Draw: Hashable, Sendable {
    package enum Moment: Hashable, Sendable {
      /// The operation is not carried out.
      case before
      /// The operation is carried out and its answer is lost.
      case after
    }

    package var latency: Duration
    /// The answer that comes instead of the right one.
    package var error: SandboxError?
    /// Whether the connection is closed instead of an answer.
    package var isDropped: Bool
    /// When `error` or the drop happens. A caller cannot tell, and has to cope with either.
    package var moment: Moment
  }

  /// Draws what befalls the next call. Takes the same number of random values whatever the outcome, so that a seed gives
  /// the same sequence of faults under other rates.
  package func draw(using generator: inout some RandomNumberGenerator) -> Draw {
    let span = latency.upperBound - latency.lowerBound
    let delay = latency.lowerBound + span * Double.random(in: 0..<1, using: &generator)
    let errorDraw = Double.random(in: 0..<1, using: &generator)
    let dropDraw = Double.random(in: 0..<1, using: &generator)
    let isUnavailable = Bool.random(using: &generator)
    let isAfter = Bool.random(using: &generator)
    var error: SandboxError?
    if errorDraw < errorRate {
      error =
        isUnavailable
        ? SandboxError(.serviceUnavailable, "The service is temporarily unavailable.")
        : SandboxError(.internalFailure, "An unexpected error has occurred.")
    }
    return Draw(latency: delay, error: error, isDropped: dropDraw < dropRate, moment: isAfter ? .after : .before)
  }
}
