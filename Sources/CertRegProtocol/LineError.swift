import CertRegCodec
package import CertRegCore

/// Why a line was refused, and the `id` that the error line is to carry.
package struct LineError: Error, Hashable, Sendable {
  /// `InvalidRequestException` with a stable reason; the message names the member or the byte and what was expected.
  package var error: ServiceError
  /// The JSON text of `id` in the line, only where the line is an object with exactly one `id` that can be echoed.
  package var id: Range<Int>?

  package init(error: ServiceError, id: Range<Int>? = nil) {
    self.error = error
    self.id = id
  }

  /// The error for a line that passes the limit before its LF; the connection is closed after it.
  package static func lineTooLong(limitBytes: Int) -> LineError {
    LineError(error: RequestReason.lineTooLong.error("the line has more than \(limitBytes) bytes"))
  }

  /// The error for a line that breaks the grammar.
  init(_ fault: SyntaxFault, in line: UnsafeRawBufferPointer) {
    let found: String
    var advice = ""
    if fault.offset >= line.count {
      found = "found the end of the line"
      // The first line of a certificate that was pasted as it is.
      if fault.kind == .unterminatedString { advice = "; write a line end in a string as \\n" }
    } else {
      found = "found \(Excerpt.byte(line[fault.offset]))"
    }
    self.init(error: fault.reason.error("\(fault.expectation): \(found) at byte offset \(fault.offset)\(advice)"))
  }

  /// The error for an object that is no request.
  init(_ fault: RequestFault, of request: RequestLine, idIsCertain: Bool, in line: UnsafeRawBufferPointer) {
    let (reason, message) = fault.explanation(for: request.operation, in: line)
    self.init(error: reason.error(message), id: idIsCertain ? request.id : nil)
  }
}

extension RequestFault {
  /// The stable word and the text for people.
  func explanation(
    for operation: RequestOperation, in line: UnsafeRawBufferPointer
  ) -> (reason: RequestReason, message: String) {
    switch self {
    case .unknownMember(let name):
      let text = JSONTextDecoder.string(name, in: line)
      let known = operation.members.union(.common).list.map { "\($0.name)" }
      let hint = NearestName.of(text, among: known).map { "; did you mean \"\($0)\"?" } ?? ""
      let offset = name.range.lowerBound
      let message =
        text.isShort
        ? "unknown member \"\(Excerpt.text(text))\" at byte offset \(offset)\(hint)"
        : "unknown member with a long name at byte offset \(offset)"
      return (.unknownMember, message)
    case .foreignMember(let members):
      let names = members.list.map { "\"\($0.name)\"" }.joined(separator: ", ")
      let known = operation.members.union(.common).list.map { "\($0.name)" }.joined(separator: ", ")
      return (.unknownMember, "\(operation.rawValue) has no member \(names); it knows \(known)")
    case .duplicateMember(let member, let offset):
      return (.duplicateMember, "member \"\(member.name)\" is given twice, again at byte offset \(offset)")
    case .missingMember(let member):
      let what =
        member == .certificateId && operation != .forget
        ? "\"certificateId\" or \"certificatePem\"" : "\"\(member.name)\""
      return (.missingMember, "\(operation.rawValue) needs the member \(what)")
    case .conflictingMembers:
      return (.conflictingMembers, "\(operation.rawValue) takes \"certificateId\" or \"certificatePem\", not both")
    case .wrongType(.id, let found, let offset):
      return (
        .invalidID,
        "\"id\" has to be a string, a number or null, not \(Excerpt.kind(ofValue: found)) at byte offset \(offset)"
      )
    case .wrongType(let member, let found, let offset):
      return (
        .invalidType,
        "\"\(member.name)\" has to be \(member.expectedType), not \(Excerpt.kind(ofValue: found)) at byte offset \(offset)"
      )
    case .invalidValue(.certificateId, let range):
      // Not shown: the text may be a key that was pasted by mistake.
      return (
        .invalidValue,
        "\"certificateId\" at byte offset \(range.lowerBound) has to be \(Member.certificateId.expectedValue)"
      )
    case .invalidValue(let member, let range):
      let text = JSONTextDecoder.string(JSONText(range: range, hasEscapes: true, isASCII: false), in: line)
      let hint = NearestName.of(text, among: member.choices).map { "; did you mean \"\($0)\"?" } ?? ""
      let message =
        text.isShort
        ? "\"\(member.name)\" has to be \(member.expectedValue), not \"\(Excerpt.text(text))\"\(hint)"
        : "\"\(member.name)\" has to be \(member.expectedValue), not a longer text"
      return (member == .op ? .unknownOperation : .invalidValue, message)
    case .statusNotSettable(let status):
      let settable = CertificateStatus.allCases.filter(\.canBeSet).map(\.rawValue).joined(separator: ", ")
      return (
        .invalidValue, "\"status\" of \(operation.rawValue) has to be one of \(settable), not \(status.rawValue)"
      )
    case .idTooLarge(let offset):
      return (.invalidID, "the number in \"id\" at byte offset \(offset) is larger than any double")
    case .watchIDTooLong(let offset):
      return (
        .invalidID,
        "the \"id\" of a watch at byte offset \(offset) has to have at most \(LineParser.maxWatchIDBytes) bytes"
      )
    case .targetCount(let offset):
      return (
        .invalidValue, "\"target\" at byte offset \(offset) has to have 1 to \(LineParser.maxTargets) names"
      )
    case .manyTargets:
      return (.invalidType, "\"target\" of \(operation.rawValue) has to be one name, not an array")
    case .attributeCount, .attributeName, .duplicateAttribute, .attributeValue:
      return explanationOfAttributes(in: line)
    case .loneSurrogate(let offset):
      return (.loneSurrogate, "the escape at byte offset \(offset) is half a surrogate pair, which is no character")
    }
  }
}

extension Member {
  /// The type of its value, for people.
  fileprivate var expectedType: String {
    switch self {
    case .refresh, .wait: "true or false"
    case .timeoutMs: "a number"
    case .target: "a string or an array of strings"
    case .provision: "a string or null"
    case .attributes: "an object of strings"
    default: "a string"
    }
  }

  /// The values that it may have, where they are few.
  fileprivate var choices: [String] {
    switch self {
    case .op: RequestOperation.allCases.map(\.rawValue)
    case .status: CertificateStatus.allCases.map(\.rawValue)
    case .ifExists: IfExists.allCases.map(\.rawValue)
    case .outcome: WatchOutcome.allCases.map(\.rawValue)
    default: []
    }
  }

  /// The values that it may have, for people.
  fileprivate var expectedValue: String {
    switch self {
    case .certificateId:
      "64 hexadecimal digits"
    case .deviceId, .member:
      "a text of 1 to \(DeviceID.maxCharacters) characters"
    case .timeoutMs:
      "a whole number of milliseconds, digits only, from \(LineParser.timeoutRangeMilliseconds.lowerBound)"
        + " to \(LineParser.timeoutRangeMilliseconds.upperBound)"
    default:
      "one of \(choices.joined(separator: ", "))"
    }
  }
}
