import CertRegCodec
import CertRegCore
import CertRegProtocol

// What happens to a line: it is answered from memory, refused, or handed to `RequestHandling`.
extension Connection {
  func take(line: UnsafeRawBufferPointer) {
    loop.counters.lines += 1
    let request: RequestLine
    do {
      request = try LineParser.parse(line)
    } catch {
      loop.counters.invalidLines += 1
      answerNow(hasID: error.id != nil, AnswerEncoder.error(error, in: line))
      return
    }
    if request.operation == .watch, !state.mayBeginEndless {
      let id = request.id.map { Array(line[$0]) }
      let error = ServiceError.tooManyWatches(limit: ConnectionState.mostEndless)
      answerNow(hasID: id != nil, AnswerEncoder.error(id: id, error))
    } else if !answerFromMemory(request, line) {
      handOn(request, line)
    }
  }

  /// Answers a `register` request whose result is known; returns whether it did.
  private func answerFromMemory(_ request: RequestLine, _ line: UnsafeRawBufferPointer) -> Bool {
    guard servesFromMemory, request.operation == .register, !request.refresh,
      // A change of the status may be waiting: the engine knows.
      request.ifExists == .return,
      // Decoding longer texts would hold up the other connections.
      let text = request.certificatePem, text.range.count <= TextHash.longestText,
      state.mayAnswerAtOnce(hasID: request.id != nil),
      let target = target(request.target, line), let tag = provisioningTag(request, line, target)
    else { return false }
    let escaped = UnsafeRawBufferPointer(rebasing: line[text.range])
    let hash = loop.textHash.value(of: escaped)
    let remembered = loop.remembered(hash, target: target.number)
    guard let entry = remembered ?? lookUp(text, line, hash: hash, target: target.number) else { return false }
    if let named = request.status, let known = entry.status, named != known { return false }
    if let name = request.deviceID, !entry.names(name, in: line) { return false }
    if tag != 0 {
      if entry.provisioningTag != tag { return false }
      if let profile = target.profile, profile.mayActivate, entry.status != .active { return false }
    }
    if remembered != nil { loop.counters.rememberedAnswers += 1 } else { loop.counters.cachedAnswers += 1 }
    let id = request.id.map { UnsafeRawBufferPointer(rebasing: line[$0]) }
    let prefix = loop.arnPrefix(entry)
    let provisioning =
      tag == 0 ? UnsafeRawBufferPointer(start: nil, count: 0) : loop.memo.provisioning(of: entry)
    let size = AnswerEncoder.registeredSize(
      idBytes: id?.count ?? 0, arnPrefixBytes: prefix.count, targetBytes: target.name.count,
      provisioningBytes: provisioning.count)
    borrowOutput()
    output.append(atMost: size) { room in
      prefix.withUnsafeBytes { prefix in
        target.name.withUnsafeBytes { name in
          AnswerEncoder.writeRegistered(
            into: room, id: id, arnPrefix: prefix, certificateID: entry.certificateID, outcome: entry.outcome,
            status: entry.status, cached: true, target: name, provisioning: provisioning)
        }
      }
    }
    return true
  }

  private func lookUp(
    _ text: JSONText, _ line: UnsafeRawBufferPointer, hash: TextHash.Value, target: UInt16
  ) -> AnswerMemo.Entry? {
    if !text.hasEscapes {
      return loop.lookUp(UnsafeRawBufferPointer(rebasing: line[text.range]), hash: hash, target: target)
    }
    return withUnsafeTemporaryAllocation(byteCount: text.range.count, alignment: 8) { room in
      let count = JSONTextDecoder.unescape(text, in: line, into: room)
      return loop.lookUp(UnsafeRawBufferPointer(rebasing: room[0..<count]), hash: hash, target: target)
    }
  }

  private func target(_ selection: TargetSelection, _ line: UnsafeRawBufferPointer) -> SocketConfiguration.Target? {
    switch selection {
    case .none: return loop.configuration.defaultTarget
    case .many: return nil
    case .one(let name):
      guard !name.hasEscapes else { return nil }
      return loop.configuration.target(named: UnsafeRawBufferPointer(rebasing: line[name.range]))
    }
  }

  /// What a known result must have been provisioned as to be the answer; 0: as anything.
  ///
  /// - Returns: `nil` where a worker has to decide.
  private func provisioningTag(
    _ request: RequestLine, _ line: UnsafeRawBufferPointer, _ target: SocketConfiguration.Target
  ) -> UInt64? {
    switch request.provision {
    case .none: return 0
    case .named: return nil
    case .default:
      guard let profile = target.profile else { return 0 }
      return profile.tag(of: request, in: line)?.rawValue
    }
  }

  private func handOn(_ request: RequestLine, _ line: UnsafeRawBufferPointer) {
    // The rules may let the peer be answered from memory meanwhile: names of accounts are looked up after the start.
    if !servesFromMemory { servesFromMemory = loop.handling.servesFromMemory(peer) }
    let owned = OwnedRequest(request, line: line)
    let watch = request.operation == .watch ? WatchFlow(id: owned.id) : nil
    // What is kept of a watch has a bound of its own, and nothing to do with the length of its line.
    let ticket = state.begin(
      hasID: request.id != nil, bytes: watch == nil ? line.count : 0, isEndless: watch != nil,
      isLong: request.operation == .status || request.operation == .metrics)
    let reply = Reply(connection: life, watch: watch) {
      [mailbox = loop.mailbox, descriptor, number = life.id] answer, isLast in
      mailbox.post { loop in
        guard let connection = loop.connection(descriptor, number: number) else { return }
        if let watch, !isLast {
          connection.sendPart(answer, of: watch)
        } else {
          connection.finish(ticket, answer)
        }
      }
    }
    loop.handling.handle(owned, from: peer, on: descriptor, reply: reply)
  }

  /// Answers a line behind the earlier requests without an `id`, if it has none.
  func answerNow(hasID: Bool, _ answer: [UInt8]) {
    if state.mayAnswerAtOnce(hasID: hasID) {
      append(answer)
    } else {
      let ticket = state.begin(hasID: hasID, bytes: answer.count)
      state.finish(ticket, answer: answer) { append($0) }
    }
  }
}

extension AnswerMemo.Entry {
  /// Whether the device is known by this name. A name with escapes is left to a worker.
  fileprivate func names(_ name: JSONText, in line: UnsafeRawBufferPointer) -> Bool {
    !name.hasEscapes && deviceTag == DeviceTag(UnsafeRawBufferPointer(rebasing: line[name.range]))
  }
}

extension OwnedRequest {
  /// Copies the parts of the line that the request needs.
  init(_ request: RequestLine, line: UnsafeRawBufferPointer) {
    self.init(
      id: request.id.map { Array(line[$0]) }, operation: request.operation,
      certificatePem: request.certificatePem.map { text in
        [UInt8](unsafeUninitializedCapacity: text.range.count) { room, count in
          count = JSONTextDecoder.unescape(text, in: line, into: UnsafeMutableRawBufferPointer(room))
        }
      },
      certificateID: request.certificateID, status: request.status, targets: .default, ifExists: request.ifExists,
      deviceID: request.deviceID.flatMap { DeviceID(JSONTextDecoder.string($0, in: line)) },
      attributes: request.attributes?.pairs(in: line).map { name, value in
        NamedText(JSONTextDecoder.string(name, in: line), JSONTextDecoder.string(value, in: line))
      } ?? [], refresh: request.refresh,
      wait: request.wait, timeoutMilliseconds: request.timeoutMilliseconds,
      watchOutcome: request.outcome)
    member = request.member.map { JSONTextDecoder.string($0, in: line) }
    switch request.provision {
    case .default: break
    case .none: profile = .none
    case .named(let name): profile = .named(JSONTextDecoder.string(name, in: line))
    }
    switch request.target {
    case .none: break
    case .one(let name): targets = .one(JSONTextDecoder.string(name, in: line))
    case .many(let text): targets = .many(text.names(in: line).map { JSONTextDecoder.string($0, in: line) })
    }
  }
}
