import CertRegCodec

/// The members of a JSON object, all of which have one of the names. A member with `null` counts as left out.
struct PlanMembers<Name: RawRepresentable<String> & CaseIterable> {
  private let json: JSONValue

  init(_ json: JSONValue) throws(SandboxError) {
    guard let members = json.members else {
      throw SandboxError(.invalidRequest, "not a plan of faults: an object is missing")
    }
    self.json = json
    for member in members where Name(rawValue: member.name) == nil {
      let names = Name.allCases.map(\.rawValue).joined(separator: ", ")
      throw SandboxError(.invalidRequest, "there is no \(member.name.prefix(64)); there are \(names)")
    }
  }

  /// What `read` makes of the member's value; it returns `nil` for a value that is not as expected.
  func value<Value>(
    _ name: Name, _ expectation: String, _ read: (JSONValue) -> Value?
  ) throws(SandboxError) -> Value? {
    guard let value = json[name.rawValue], !value.isNull else { return nil }
    guard let result = read(value) else { throw problem(name, "takes \(expectation)") }
    return result
  }

  func number(
    _ name: Name, _ expectation: String, in range: ClosedRange<Double>
  ) throws(SandboxError) -> Double? {
    try value(name, expectation) { $0.double.flatMap { range.contains($0) ? $0 : nil } }
  }

  /// A whole number above 0.
  func count(_ name: Name) throws(SandboxError) -> Int? {
    try value(name, "a whole number above 0") { json in json.integer.flatMap { $0 > 0 ? $0 : nil } }
  }

  /// A probability.
  func share(_ name: Name) throws(SandboxError) -> Double? {
    try number(name, "a number from 0 to 1", in: 0...1)
  }

  func latency(_ name: Name) throws(SandboxError) -> ClosedRange<Duration>? {
    try value(name, "two numbers, the least and the most, of at most a day") { json in
      guard let bounds = json.elements({ $0.double }), bounds.count == 2, bounds[0] >= 0, bounds[1] >= bounds[0],
        bounds[1] <= 86_400_000
      else { return nil }
      return .seconds(bounds[0] / 1000) ... .seconds(bounds[1] / 1000)
    }
  }

  func throttle(_ name: Name, burst burstName: Name) throws(SandboxError) -> ThrottleRate? {
    let aboveZero = Double.leastNonzeroMagnitude...Double.greatestFiniteMagnitude
    let burst = try number(burstName, "a number of at least 1", in: 1...Double.greatestFiniteMagnitude)
    if let rate = try number(name, "a number above 0", in: aboveZero) {
      return ThrottleRate(perSecond: rate, burst: burst)
    }
    if burst != nil { throw problem(burstName, "needs \(name.rawValue)") }
    return nil
  }

  func answers(_ name: Name) throws(SandboxError) -> [FaultPlan.ScriptedAnswer] {
    var answers: [FaultPlan.ScriptedAnswer] = []
    for answer in try value(name, "an array of objects", { $0.array }) ?? [] {
      answers.append(try FaultPlan.ScriptedAnswer(json: answer))
    }
    return answers
  }

  func problem(_ name: Name, _ text: String) -> SandboxError {
    SandboxError(.invalidRequest, "\(name.rawValue) \(text)")
  }
}

extension JSONValue {
  /// What `read` makes of each element of an array; `nil` if it makes nothing of one.
  func elements<Value>(_ read: (JSONValue) -> Value?) -> [Value]? {
    guard let array else { return nil }
    let values = array.compactMap(read)
    return values.count == array.count ? values : nil
  }
}
