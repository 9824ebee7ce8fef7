package import CertRegCodec

extension FaultPlan {
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
    case operations
  }

  /// Reads the plan of a control request. It is the whole plan: members that are left out switch
  /// their faults off.
  ///
  /// - Throws: InvalidRequestException for a member of another name, so that a test cannot go wrong in silence, and for
  ///   a value out of range.
  package init(json: JSONValue) throws(SandboxError) {
    self.init()
    let members = try PlanMembers<Name>(json)
    if let latencies = try members.latency(.latencyMs) { latency = latencies }
    for (name, path) in [
      (.errorRate, \.errorRate), (.dropRate, \.dropRate), (.resetRate, \.resetRate), (.lieRate, \.lieRate),
    ] as [(Name, WritableKeyPath<FaultPlan, Double>)] {
      self[keyPath: path] = try members.share(name) ?? 0
    }
    bytesPerSecond = try members.count(.dripBytesPerSecond)
    throttle = try members.throttle(.throttlePerSecond, burst: .throttleBurst)
    let keyIDs = try members.value(.expiredKeyIds, "an array of strings") { $0.elements { $0.string } }
    expiredKeyIDs = Set(keyIDs ?? [])
    let limit = Self.clockOffsetLimitSeconds
    let offset = try members.number(
      .clockOffsetSeconds, "a number of seconds of at most \(Int(limit))", in: -limit...limit)
    clockOffset = .seconds(offset ?? 0)
    answers = try members.answers(.answers)
    for member in try members.value(.operations, "an object", { $0.members }) ?? [] {
      guard let operation = SandboxOperation.Name(rawValue: member.name) else {
        throw SandboxError(.invalidRequest, "the sandbox has no operation \(member.name.prefix(64))")
      }
      operations[operation] = try OperationFaults(json: member.value)
    }
  }
}

extension FaultPlan.OperationFaults {
  private enum Name: String, CaseIterable {
    case latencyMs
    case errorRate
    case dropRate
    case resetRate
    case throttlePerSecond
    case throttleBurst
    case answers
  }

  fileprivate init(json: JSONValue) throws(SandboxError) {
    self.init()
    let members = try PlanMembers<Name>(json)
    latency = try members.latency(.latencyMs)
    errorRate = try members.share(.errorRate)
    dropRate = try members.share(.dropRate)
    resetRate = try members.share(.resetRate)
    throttle = try members.throttle(.throttlePerSecond, burst: .throttleBurst)
    answers = try members.answers(.answers)
  }
}

extension FaultPlan.ScriptedAnswer {
  private enum Name: String, CaseIterable {
    case status
    case cut
    case headers
    case body
    case times
    case carriedOut
  }

  fileprivate init(json: JSONValue) throws(SandboxError) {
    let members = try PlanMembers<Name>(json)
    let status = try members.value(.status, "a number from 200 to 599") { json in
      json.integer.flatMap { (200...599).contains($0) ? $0 : nil }
    }
    let cut = try members.value(.cut, "\"closed\" or \"reset\"") { json in
      json.string.flatMap { FaultPlan.Draw.Cut(rawValue: $0) }
    }
    if status != nil, cut != nil { throw members.problem(.cut, "stands in place of status") }
    if status == nil, cut == nil { throw members.problem(.status, "takes a number from 200 to 599") }
    let headers = try members.value(.headers, "an object of strings that can be headers") { json in
      json.members.flatMap { members in
        let texts = members.compactMap { member -> (String, String)? in
          guard let text = member.value.string, isHeader(member.name, text) else { return nil }
          return (member.name, text)
        }
        return texts.count == members.count ? Dictionary(texts) { $1 } : nil
      }
    }
    self.init(
      status: status, cut: cut, headers: headers ?? [:], body: try members.value(.body, "a string") { $0.string } ?? "",
      times: try members.count(.times) ?? 1,
      isCarriedOut: try members.value(.carriedOut, "true or false", { $0.bool }) ?? false)
  }
}

/// Whether a name and a value can be sent as a header (RFC 9110 sections 5.1 and 5.5).
private func isHeader(_ name: String, _ value: String) -> Bool {
  let isToken = name.utf8.allSatisfy { byte in
    switch byte {
    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
      UInt8(ascii: "0")...UInt8(ascii: "9"):
      true
    default: "!#$%&'*+-.^_`|~".utf8.contains(byte)
    }
  }
  return isToken && !name.isEmpty && value.utf8.allSatisfy { $0 >= 0x20 && $0 != 0x7f || $0 == UInt8(ascii: "\t") }
}

/// The members of a JSON object, all of which have one of the names. A member with `null` counts as left out.
private struct PlanMembers<Name: RawRepresentable<String> & CaseIterable> {
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
  fileprivate func elements<Value>(_ read: (JSONValue) -> Value?) -> [Value]? {
    guard let array else { return nil }
    let values = array.compactMap(read)
    return values.count == array.count ? values : nil
  }
}
