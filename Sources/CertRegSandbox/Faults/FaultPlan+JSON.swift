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

  init(json: JSONValue) throws(SandboxError) {
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
