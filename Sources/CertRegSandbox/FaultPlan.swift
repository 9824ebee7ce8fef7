import CertRegCore

/// How slow and how faulty the sandbox is.
package struct FaultPlan: Hashable, Sendable {
  /// Time between a request and its answer; each is drawn evenly from the range.
  package var latency: ClosedRange<Duration>
  /// Probability that an answer is InternalFailureException or ServiceUnavailableException.
  package var errorRate: Double
  /// Probability that a connection is closed where the answer ought to be.
  package var dropRate: Double
  /// Probability that a connection is reset (TCP RST) there.
  package var resetRate: Double
  /// Probability that a registration is answered with the ID and ARN of another certificate.
  package var lieRate: Double
  /// How fast the bodies of answers are sent; `nil`: at once. Greater than zero.
  package var bytesPerSecond: Int?
  /// What each operation may be called a second; `nil` sets no limit.
  package var throttle: ThrottleRate?
  /// Access key IDs whose session is over: ExpiredTokenException.
  package var expiredKeyIDs: Set<String> = []
  /// What the endpoint's clock is ahead of the system's.
  package var clockOffset = Duration.zero
  /// What the next registrations are answered with instead of the truth.
  package var answers: [ScriptedAnswer] = []

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

  /// An answer that is sent as it stands.
  package struct ScriptedAnswer: Hashable, Sendable {
    package var status: Int
    /// `x-amzn-RequestId`, `Content-Type` and `Date` are added where they are missing.
    package var headers: [String: String]
    package var body: String
    /// How many registrations get it.
    package var times: Int
    /// Whether what was asked for is done before, as when an answer is lost or garbled on its way.
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

  /// What befalls one call.
  package struct Draw: Hashable, Sendable {
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

    package var latency: Duration
    /// The answer that comes instead of the right one.
    package var error: SandboxError?
    package var cut: Cut?
    /// When `error` or the cut happens. A caller cannot tell, and has to cope with either.
    package var moment: Moment
    /// Whether another certificate is named.
    package var isLie: Bool
  }

  /// Draws what befalls the next call. Takes the same number of random values whatever the outcome, so that a seed gives
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

extension FaultPlan: Decodable {
  /// The JSON of a control request. A name that is not one of these is an error, so that a test cannot be wrong in silence.
  private enum Name: String, CaseIterable {
    case latencyMs
    case errorRate
    case dropRate
    case resetRate
    case lieRate
    case dripBytesPerSecond
    case throttlePerSecond
    case throttleBurst
    case expiredKeyIds
    case clockOffsetSeconds
    case answers
  }

  package init(from decoder: any Decoder) throws {
    self.init()
    let members = try Members<Name>(decoder)
    if let bounds: [Double] = try members.value(.latencyMs) {
      guard bounds.count == 2, bounds[0] >= 0, bounds[1] >= bounds[0] else {
        throw members.problem(.latencyMs, "takes two numbers, the least and the most")
      }
      latency = .seconds(bounds[0] / 1000) ... .seconds(bounds[1] / 1000)
    }
    for (name, path) in [
      (.errorRate, \.errorRate), (.dropRate, \.dropRate), (.resetRate, \.resetRate), (.lieRate, \.lieRate),
    ] as [(Name, WritableKeyPath<FaultPlan, Double>)] {
      let share: Double = try members.value(name) ?? 0
      guard (0...1).contains(share) else { throw members.problem(name, "takes a number from 0 to 1") }
      self[keyPath: path] = share
    }
    bytesPerSecond = try members.value(.dripBytesPerSecond)
    guard bytesPerSecond ?? 1 > 0 else { throw members.problem(.dripBytesPerSecond, "takes a number above 0") }
    let burst: Double? = try members.value(.throttleBurst)
    if let rate: Double = try members.value(.throttlePerSecond) {
      guard rate > 0 else { throw members.problem(.throttlePerSecond, "takes a number above 0") }
      throttle = ThrottleRate(perSecond: rate, burst: burst)
    } else if burst != nil {
      throw members.problem(.throttleBurst, "needs throttlePerSecond")
    }
    expiredKeyIDs = try members.value(.expiredKeyIds) ?? []
    clockOffset = .seconds(try members.value(.clockOffsetSeconds) ?? 0 as Double)
    answers = try members.value(.answers) ?? []
  }
}

extension FaultPlan.ScriptedAnswer: Decodable {
  private enum Name: String, CaseIterable {
    case status
    case headers
    case body
    case times
    case carriedOut
  }

  package init(from decoder: any Decoder) throws {
    let members = try Members<Name>(decoder)
    guard let status: Int = try members.value(.status), (200...599).contains(status) else {
      throw members.problem(.status, "takes a number from 200 to 599")
    }
    self.init(
      status: status, headers: try members.value(.headers) ?? [:], body: try members.value(.body) ?? "",
      times: try members.value(.times) ?? 1, isCarriedOut: try members.value(.carriedOut) ?? false)
  }
}

/// The members of a JSON object, all of which have one of the names.
private struct Members<Name: RawRepresentable<String> & CaseIterable> {
  private struct Key: CodingKey {
    var stringValue: String
    var intValue: Int? { nil }

    init(stringValue: String) { self.stringValue = stringValue }
    init?(intValue: Int) { nil }
  }

  private let container: KeyedDecodingContainer<Key>

  init(_ decoder: any Decoder) throws {
    container = try decoder.container(keyedBy: Key.self)
    for key in container.allKeys where Name(rawValue: key.stringValue) == nil {
      let names = Name.allCases.map(\.rawValue).joined(separator: ", ")
      throw DecodingError.dataCorruptedError(
        forKey: key, in: container, debugDescription: "there is no \(key.stringValue); there are \(names)")
    }
  }

  func value<Value: Decodable>(_ name: Name) throws -> Value? {
    try container.decodeIfPresent(Value.self, forKey: Key(stringValue: name.rawValue))
  }

  func problem(_ name: Name, _ text: String) -> DecodingError {
    .dataCorruptedError(
      forKey: Key(stringValue: name.rawValue), in: container, debugDescription: "\(name.rawValue) \(text)")
  }
}
