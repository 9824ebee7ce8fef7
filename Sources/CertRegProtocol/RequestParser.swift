import CertRegCodec
import CertRegCore
import Glibc

/// The state of one parse.
///
/// The first fault of meaning is noted and reading goes on, because a later fault of grammar is reported instead.
struct RequestParser {
  var scanner: JSONScanner
  var request = RequestLine()
  /// Members that have been read.
  private var seen = MemberSet()
  private var fault: RequestFault?
  /// Whether `request.id` may be echoed: there was only one, of an accepted form.
  private(set) var idIsCertain = true

  init(scanner: JSONScanner) {
    self.scanner = scanner
  }

  /// Reads the object and the white space around it.
  mutating func readLine() throws(SyntaxFault) {
    scanner.skipWhitespace()
    guard scanner.peek() == UInt8(ascii: "{") else { throw faultOfFirstByte() }
    scanner.position += 1
    scanner.skipWhitespace()
    if scanner.peek() == UInt8(ascii: "}") {
      scanner.position += 1
    } else {
      try scanner.take("\"", orThrow: .expectedNameOrEnd)
      while true {
        try readMember()
        scanner.skipWhitespace()
        if scanner.peek() == UInt8(ascii: "}") { break }
        try scanner.take(",", orThrow: .expectedCommaOrBrace)
        scanner.skipWhitespace()
        try scanner.take("\"", orThrow: .expectedName)
      }
      scanner.position += 1
    }
    scanner.skipWhitespace()
    guard scanner.position == scanner.end else {
      throw SyntaxFault(kind: .trailingData, offset: scanner.position)
    }
  }

  private func faultOfFirstByte() -> SyntaxFault {
    let start = scanner.position
    if start == scanner.end { return SyntaxFault(kind: .emptyLine, offset: start) }
    let isMark =
      start + 3 <= scanner.end && scanner.byte(start) == 0xef && scanner.byte(start + 1) == 0xbb
      && scanner.byte(start + 2) == 0xbf
    return SyntaxFault(kind: isMark ? .byteOrderMark : .notAnObject, offset: start)
  }

  /// Reads a member from behind the opening quote of its name to the end of its value.
  private mutating func readMember() throws(SyntaxFault) {
    let name = try scanner.scanString()
    scanner.skipWhitespace()
    try scanner.take(":", orThrow: .expectedColon)
    scanner.skipWhitespace()
    guard let member = Self.member(named: name, in: scanner.line) else {
      note(.unknownMember(name: name))
      return try scanner.skipValue(depth: 1)
    }
    guard !seen.contains(member) else {
      if member == .id { idIsCertain = false }
      note(.duplicateMember(member, offset: name.range.lowerBound))
      return try scanner.skipValue(depth: 1)
    }
    seen.insert(MemberSet(member))
    try readValue(of: member)
  }

  /// The member with that name, whose characters may be written with escapes.
  ///
  /// Static: a method would be called with a copy of the parser.
  private static func member(named name: JSONText, in line: UnsafeRawBufferPointer) -> Member? {
    guard let base = line.baseAddress else { return nil }
    if name.hasEscapes {
      return Member.allCases.first { JSONTextDecoder.equals(name, in: line, $0.name) }
    }
    let start = base + name.range.lowerBound
    func found(_ member: Member) -> Member? {
      memcmp(start, member.name.utf8Start, name.range.count) == 0 ? member : nil
    }
    switch name.range.count {
    case 2: return found(.id) ?? found(.op)
    case 4: return found(.wait)
    case 6: return found(.status) ?? found(.target) ?? found(.member)
    case 7: return found(.refresh) ?? found(.outcome)
    case 8: return found(.ifExists) ?? found(.deviceId)
    case 9: return found(.timeoutMs) ?? found(.provision)
    case 10: return found(.attributes)
    case 13: return found(.certificateId)
    case 14: return found(.certificatePem)
    default: return nil
    }
  }

  private mutating func readValue(of member: Member) throws(SyntaxFault) {
    switch member {
    case .id:
      try readID()
    case .certificatePem:
      request.certificatePem = try readString(of: member)
    case .target:
      try readTarget()
    case .refresh:
      if let value = try readBool(of: member) { request.refresh = value }
    case .wait:
      if let value = try readBool(of: member) { request.wait = value }
    case .timeoutMs:
      try readTimeout()
    case .provision:
      try readProvision()
    case .attributes:
      try readAttributes()
    case .op, .status, .ifExists, .outcome, .certificateId, .deviceId, .member:
      guard let text = try readString(of: member) else { return }
      if !accept(text, for: member) { note(.invalidValue(member, at: text.range)) }
    }
  }

  /// Takes the value of a member whose form is fixed; `false` where the text has another form.
  private mutating func accept(_ text: JSONText, for member: Member) -> Bool {
    let line = scanner.line
    switch member {
    case .op:
      guard let operation = RequestOperation.named(text, in: line) else { return false }
      request.operation = operation
    case .status:
      request.status = CertificateStatus.named(text, in: line)
      return request.status != nil
    case .ifExists:
      guard let choice = IfExists.named(text, in: line) else { return false }
      request.ifExists = choice
    case .outcome:
      request.outcome = WatchOutcome.named(text, in: line)
      return request.outcome != nil
    case .deviceId:
      guard DeviceID.isName(text, in: line) else { return false }
      request.deviceID = text
    case .member:
      guard DeviceID.isName(text, in: line) else { return false }
      request.member = text
    default:
      request.certificateID = certificateID(text)
      return request.certificateID != nil
    }
    return true
  }

  /// The ID that 64 hexadecimal digits of either case give.
  private func certificateID(_ text: JSONText) -> CertificateID? {
    if text.hasEscapes {
      return CertificateID(hex: JSONTextDecoder.string(text, in: scanner.line).utf8)
    }
    guard text.range.count == 64 else { return nil }
    var id = CertificateID()
    var invalid: UInt8 = 0
    id.withMutableBytes { bytes in
      for index in 0..<32 {
        let high = JSONScanner.hexValue(scanner.byte(text.range.lowerBound + 2 * index))
        let low = JSONScanner.hexValue(scanner.byte(text.range.lowerBound + 2 * index + 1))
        invalid |= high | low
        bytes[index] = high << 4 | low & 15
      }
    }
    return invalid < 16 ? id : nil
  }

  // MARK: Values

  mutating func readString(of member: Member) throws(SyntaxFault) -> JSONText? {
    guard scanner.peek() == UInt8(ascii: "\"") else {
      try skipWrongType(of: member)
      return nil
    }
    scanner.position += 1
    return try scanner.scanString()
  }

  private mutating func readBool(of member: Member) throws(SyntaxFault) -> Bool? {
    switch scanner.peek() {
    case UInt8(ascii: "t"):
      try scanner.scanLiteral("true")
      return true
    case UInt8(ascii: "f"):
      try scanner.scanLiteral("false")
      return false
    default:
      try skipWrongType(of: member)
      return nil
    }
  }

  /// A string, a number that a double can hold, or null. It is kept as it was written and never converted.
  private mutating func readID() throws(SyntaxFault) {
    let start = scanner.position
    let first = scanner.peek()
    if let end = scanner.endOfShortInteger() {
      scanner.position = end
      request.id = start..<end
      return
    }
    // Set aside, to notice one in the id itself.
    let earlierSurrogate = scanner.loneSurrogate
    scanner.loneSurrogate = nil
    try scanner.skipValue(depth: 1)
    if scanner.loneSurrogate != nil { idIsCertain = false }
    scanner.loneSurrogate = earlierSurrogate ?? scanner.loneSurrogate
    switch first {
    case UInt8(ascii: "{"), UInt8(ascii: "["), UInt8(ascii: "t"), UInt8(ascii: "f"):
      idIsCertain = false
      note(.wrongType(.id, found: first, offset: start))
    case UInt8(ascii: "\""), UInt8(ascii: "n"):
      request.id = start..<scanner.position
    default:
      if NumberMagnitude.exceedsDouble(scanner.line[start..<scanner.position]) {
        idIsCertain = false
        note(.idTooLarge(offset: start))
      }
      request.id = start..<scanner.position
    }
  }

  private mutating func readTimeout() throws(SyntaxFault) {
    let start = scanner.position
    guard JSONScanner.isDigit(scanner.peek()) || scanner.peek() == UInt8(ascii: "-") else {
      return try skipWrongType(of: .timeoutMs)
    }
    try scanner.scanNumber()
    // Seven digits are past the range already.
    var value = 0
    for offset in start..<min(scanner.position, start + 7) {
      guard JSONScanner.isDigit(scanner.byte(offset)) else {
        value = 0
        break
      }
      value = value * 10 + Int(scanner.byte(offset) - UInt8(ascii: "0"))
    }
    if LineParser.timeoutRangeMilliseconds.contains(value) {
      request.timeoutMilliseconds = value
    } else {
      note(.invalidValue(.timeoutMs, at: start..<scanner.position))
    }
  }

  private mutating func readTarget() throws(SyntaxFault) {
    guard scanner.peek() == UInt8(ascii: "[") else {
      if let name = try readString(of: .target) { request.target = .one(name) }
      return
    }
    let start = scanner.position
    var count = 0
    scanner.position += 1
    scanner.skipWhitespace()
    if scanner.peek() == UInt8(ascii: "]") {
      scanner.position += 1
      return note(.targetCount(offset: start))
    }
    while true {
      let element = scanner.position
      if scanner.peek() == UInt8(ascii: "\"") {
        scanner.position += 1
        _ = try scanner.scanString()
        count += 1
        if count == LineParser.maxTargets + 1 { note(.targetCount(offset: start)) }
      } else {
        note(.wrongType(.target, found: scanner.peek(), offset: element))
        try scanner.skipValue(depth: 2)
      }
      scanner.skipWhitespace()
      if scanner.peek() == UInt8(ascii: "]") { break }
      try scanner.take(",", orThrow: .expectedCommaOrBracket)
      scanner.skipWhitespace()
    }
    scanner.position += 1
    request.target = .many(TargetsText(range: start..<scanner.position, count: count))
  }

  mutating func skipWrongType(of member: Member) throws(SyntaxFault) {
    let start = scanner.position
    let first = scanner.peek()
    try scanner.skipValue(depth: 1)
    note(.wrongType(member, found: first, offset: start))
  }

  mutating func note(_ fault: RequestFault) {
    if self.fault == nil { self.fault = fault }
  }

  // MARK: The whole

  /// The fault of an object that was read to its end: the first one in the line, else one of the combination of
  /// members. The names in `attributes` were checked when they were read; no other member takes an object.
  func firstFault() -> RequestFault? {
    if let fault { return fault }
    if let offset = scanner.loneSurrogate { return .loneSurrogate(offset: offset) }
    let foreign = seen.subtracting(request.operation.members).subtracting(.common)
    if !foreign.isEmpty { return .foreignMember(foreign) }
    switch request.operation {
    case .register, .validate:
      if request.certificatePem == nil { return .missingMember(.certificatePem) }
    case .forget:
      if request.certificateID == nil { return .missingMember(.certificateId) }
    case .lookup, .update, .describe:
      if let fault = request.faultOfCertificate ?? request.faultOfUpdate { return fault }
    case .watch:
      if let id = request.id, id.count > LineParser.maxWatchIDBytes { return .watchIDTooLong(offset: id.lowerBound) }
    case .removeMember:
      if request.member == nil { return .missingMember(.member) }
    case .status, .metrics:
      break
    }
    if case .many = request.target, !request.operation.takesManyTargets { return .manyTargets }
    return nil
  }
}
