import CertRegCodec
import CertRegCore
import CertRegProtocol

/// A connection's treatment of the bytes that it reads: framing, parsing, and the answer's line.
enum LineTarget {
  static func run(_ input: UnsafeRawBufferPointer) -> Int32 {
    // Every input contains its own limit and its own division into pieces, and is still plain text.
    let selector = Int(input.reduce(0 as UInt8, &+))
    let limit = selector & 1 == 0 ? 1 << 20 : 16 + selector
    let whole = withinProcessorTime { frame(input, limit: limit, pieceBytes: max(1, input.count)) }
    // At most some thousand pieces: each costs a call, and sanitizers make calls expensive.
    let pieceBytes = max(1 + selector, input.count / 4096)
    let pieces = withinProcessorTime { frame(input, limit: limit, pieceBytes: pieceBytes) }
    require(whole == pieces, "pieces of \(pieceBytes) bytes give other lines: \(whole) and \(pieces)")
    // Lines are checked one by one, which takes a minute for the greatest number in an input.
    for line in whole.lines.prefix(2000) { withExactCopy(input[line]) { line in withinProcessorTime { check(line) } } }
    return 0
  }

  private struct Framing: Equatable {
    var lines: [Range<Int>] = []
    var isTooLong = false
  }

  /// The lines of `input`, as offsets into it. The input arrives in pieces and is dropped when consumed.
  private static func frame(_ input: UnsafeRawBufferPointer, limit: Int, pieceBytes: Int) -> Framing {
    var framer = LineFramer(maxLineBytes: limit)
    var framing = Framing()
    var dropped = 0
    var arrived = 0
    while arrived < input.count {
      arrived = min(arrived + pieceBytes, input.count)
      let buffer = UnsafeRawBufferPointer(rebasing: input[dropped..<arrived])
      events: while true {
        switch framer.next(in: buffer) {
        case .line(let range): framing.lines.append(range.lowerBound + dropped..<range.upperBound + dropped)
        case .needsMore: break events
        case .tooLong:
          framing.isTooLong = true
          return framing
        }
      }
      dropped += framer.consume()
    }
    if let rest = framer.remainder(in: UnsafeRawBufferPointer(rebasing: input[dropped...])) {
      framing.lines.append(rest.lowerBound + dropped..<rest.upperBound + dropped)
    }
    return framing
  }

  private static func parse(_ line: UnsafeRawBufferPointer) -> Result<RequestLine, LineError> {
    do throws(LineError) {
      return .success(try LineParser.parse(line))
    } catch { return .failure(error) }
  }

  private static func check(_ line: UnsafeRawBufferPointer) {
    let result = parse(line)
    switch result {
    case .success(let request): check(request, in: line)
    case .failure(let error):
      require(RequestReason(rawValue: error.error.reason.rawValue) != nil, "unknown reason \(error.error.reason)")
      require(error.error.kind == .invalidRequest && !error.error.retryable, "\(error)")
      requirePrintable(error.error.message)
      requireAnswer(AnswerEncoder.error(error, in: line), id: error.id.map { Array(line[$0]) } ?? Array("null".utf8))
    }
    // White space after the object changes nothing.
    if case .success = result {
      withExactCopy(Array(line) + Array(" \r".utf8)) { require(parse($0) == result, "white space at the end counts") }
    }
  }

  private static func check(_ request: RequestLine, in line: UnsafeRawBufferPointer) {
    if let id = request.id {
      let text = Array(line[id])
      requireAnswer(AnswerEncoder.object(id: text) { _ in }, id: text)
    }
    switch request.operation {
    case .register, .validate: require(request.certificatePem != nil, "no certificatePem")
    case .forget: require(request.certificateID != nil, "no certificateId")
    case .lookup, .update, .describe:
      require((request.certificatePem == nil) != (request.certificateID == nil), "not one of the two members")
    case .removeMember: require(request.member != nil, "no member")
    case .watch, .status, .metrics: break
    }
    require(request.timeoutMilliseconds.map(LineParser.timeoutRangeMilliseconds.contains) ?? true, "timeoutMs")
    if let text = request.certificatePem { checkText(text, in: line) }
    checkProvisioning(request, in: line)
    switch request.target {
    case .none: break
    case .one(let name): checkText(name, in: line)
    case .many(let names):
      require((1...LineParser.maxTargets).contains(names.count), "\(names.count) targets")
      let read = Array(names.names(in: line))
      require(read.count == names.count, "\(read.count) of \(names.count) names are read")
      for name in read { checkText(name, in: line) }
    }
  }

  /// A second reading of `attributes` finds as many as the parser has counted, within their bounds, and no name twice.
  private static func checkProvisioning(_ request: RequestLine, in line: UnsafeRawBufferPointer) {
    if case .named(let name) = request.provision { checkText(name, in: line) }
    guard let attributes = request.attributes else { return }
    require(
      request.operation == .register && attributes.count <= LineParser.maxAttributes, "\(attributes.count) attributes")
    var names: Set<[UInt8]> = []
    for (name, value) in attributes.pairs(in: line) {
      checkText(name, in: line)
      checkText(value, in: line)
      let text = JSONTextDecoder.string(name, in: line)
      require((1...LineParser.maxAttributeNameCharacters).contains(text.unicodeScalars.count), "the name \(text)")
      let length = JSONTextDecoder.string(value, in: line).unicodeScalars.count
      require(length <= LineParser.maxAttributeValueCharacters, "a value of \(length) characters")
      require(names.insert(Array(text.utf8)).inserted, "the name \(text) twice")
    }
    require(names.count == attributes.count, "\(names.count) attributes of \(attributes.count)")
  }

  /// A string of a request is Unicode, and is unchanged after writing and reading.
  private static func checkText(_ text: JSONText, in line: UnsafeRawBufferPointer) {
    let room = UnsafeMutableRawBufferPointer.allocate(byteCount: text.range.count, alignment: 1)
    defer { room.deallocate() }
    let decoded = Array(room[..<JSONTextDecoder.unescape(text, in: line, into: room)])
    guard let string = String(validating: decoded, as: UTF8.self) else { fatalError("not UTF-8: \(decoded)") }
    require(!text.isASCII || decoded.allSatisfy { $0 < 0x80 }, "not ASCII: \(decoded)")
    require(text.hasEscapes || decoded.elementsEqual(line[text.range]), "changed without an escape")
    let written = AnswerEncoder.object(id: nil) { writer in
      writer.member("op", "validate")
      writer.member("certificatePem", string)
    }
    withExactCopy(written.dropLast()) { again in
      guard case .success(let request) = parse(again), let read = request.certificatePem else {
        fatalError("cannot be read again: \(string.debugDescription)")
      }
      let text = JSONTextDecoder.string(read, in: again)
      require(text.utf8.elementsEqual(decoded), "read otherwise: \(string.debugDescription)")
    }
  }

  /// An answer is one line, that line is a JSON object, and it has the request's `id` as it was written.
  private static func requireAnswer(_ answer: [UInt8], id: [UInt8]) {
    require(answer.last == 0x0a && answer.dropLast().allSatisfy { $0 >= 0x20 }, "not one line: \(answer)")
    require(answer.starts(with: Array("{\"id\":".utf8) + id), "another id: \(answer)")
    withExactCopy(answer.dropLast()) { line in
      guard case .failure(let error) = parse(line) else { return }
      let syntax: [RequestReason] = [
        .notAnObject, .invalidJSON, .invalidUTF8, .byteOrderMark, .trailingData, .nestingTooDeep, .loneSurrogate,
        .invalidID,
      ]
      require(!syntax.map(\.rawValue).contains(error.error.reason.rawValue), "\(error) in the answer \(answer)")
    }
  }
}
