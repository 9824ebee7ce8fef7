import CertRegCodec
import CertRegCore
import CertRegProtocol
import CertRegSocket

extension Reports.Figures {
  func writeStatus(to writer: inout JSONWriter) {
    writer.member("version", Version.current)
    writer.member("state", isDraining ? "draining" : "running")
    writer.member("startedAt", constants.startedAt.rfc3339)
    writer.member("uptimeSeconds", Int(now.secondsSinceEpoch - constants.startedAt.secondsSinceEpoch))
    writer.member("pid", Int(constants.processID))
    writer.member("sandbox", constants.isSandbox)
    writer.beginArray("problems")
    for problem in problems {
      writer.beginObject()
      writer.member("reason", problem.reason)
      writer.member("message", problem.message)
      writer.endObject()
    }
    writer.endArray()
    writer.beginArray("targets")
    for target in engine.targets { write(target.name, target.view, to: &writer) }
    writer.endArray()
    writer.beginObject("cache")
    writer.member("entries", cached)
    writer.member("maxEntries", constants.maxCached)
    writer.member("hits", sockets.memoryAnswers)
    writer.endObject()
    writer.beginObject("queue")
    writer.member("entries", engine.pending)
    writer.member("maxEntries", constants.maxPending)
    if let oldest = engine.oldestPending {
      writer.member("oldestAgeSeconds", Int(max(0, now.secondsSinceEpoch - oldest.secondsSinceEpoch)))
    }
    writer.endObject()
    if let fleet = engine.fleet { writer.fleet(fleet) }
    writer.beginObject("connections")
    writer.member("open", sockets.connectionsOpen)
    writer.member("max", constants.maxConnections)
    writer.member("total", sockets.connectionsOpened)
    writer.endObject()
    writer.beginObject("limits")
    writer.member("window", constants.window)
    writer.member("maxLineBytes", constants.maxLineBytes)
    writer.member("maxDeviceIdCharacters", DeviceID.maxCharacters)
    writer.endObject()
    writer.beginObject("counters")
    writer.member("lines", sockets.lines)
    writer.member("invalidLines", sockets.invalidLines)
    writer.member("pauses", sockets.pauses)
    writer.member("upstreamCalls", engine.callCount)
    writer.member("created", engine.created)
    writer.member("existing", engine.existing)
    writer.member("failed", engine.failed)
    writer.endObject()
  }

  /// What is not as it should be, the most urgent first.
  var problems: [Problem] {
    var problems: [Problem] = []
    if let reloadProblem {
      problems.append(Problem(reason: "reload_refused", message: "the old configuration stays: \(reloadProblem)"))
    }
    if now < Version.earliestClock {
      problems.append(Problem(reason: "clock_not_set", message: "the clock is not set: it reads \(now.rfc3339)"))
    }
    if let error = engine.storeError {
      problems.append(Problem(reason: ServiceError(error).reason.rawValue, message: error.message))
    }
    if engine.pending >= constants.maxPending {
      problems.append(Problem(reason: "queue_full", message: "the queue is full"))
    }
    if sockets.connectionsOpen >= constants.maxConnections {
      problems.append(Problem(reason: "too_many_connections", message: "no more connections are taken"))
    }
    if let problem = engine.fleet?.problem {
      problems.append(Problem(reason: problem.reason.rawValue, message: "fleet: \(problem.message)"))
    }
    for target in engine.targets where target.view.health != .ok {
      let cause = target.view.lastError.map { ": \($0.reason): \($0.message)" } ?? ""
      problems.append(
        Problem(
          reason: target.view.lastError?.reason.rawValue ?? target.view.health.rawValue,
          message: "\(target.name) is \(target.view.health.rawValue)\(cause)"))
    }
    for (name, error) in rateProblems.sorted(by: { $0.key.rawValue < $1.key.rawValue }) {
      problems.append(
        Problem(reason: "rate_unknown", message: "\(name): the account's rate is not known: \(error.message)"))
    }
    return problems
  }

  struct Problem: Hashable, Sendable {
    /// A stable word: `reload_refused`, `clock_not_set`, `rate_unknown`, or a reason of errors.
    var reason: String
    var message: String
  }

  private func write(_ name: TargetName, _ view: Registrar.TargetView, to writer: inout JSONWriter) {
    let configuration = constants.targets[name]
    writer.beginObject()
    writer.member("name", name.rawValue)
    writer.member("default", name == constants.defaultTarget)
    writer.member("region", ifPresent: signing[name]?.region ?? configuration?.region)
    writer.member("endpoint", ifPresent: constants.isSandbox ? "sandbox" : configuration?.endpoint)
    writer.member("health", view.health.rawValue)
    writer.member("queued", view.queued)
    writer.member("inFlight", view.underWay)
    write(rate: view.ratePerSecond, to: &writer)
    if let tokens = view.tokens { writer.member("callsAtOnce", Int(tokens.rounded(.down))) }
    if let offset = signing[name]?.clockOffset { writer.member("clockOffsetMs", Int(offset.milliseconds)) }
    if let credentials = signing[name]?.credentials {
      writer.beginObject("credentials")
      writer.member("source", credentials.source)
      writer.member("expiresAt", ifPresent: credentials.expiresAt?.rfc3339)
      writer.endObject()
    }
    writer.member("profile", ifPresent: configuration?.profile)
    writer.member("throttles", view.throttles)
    writer.beginArray("calls")
    for call in view.calls { write(call, to: &writer) }
    writer.endArray()
    writer.member("lastSuccessAt", ifPresent: view.lastSuccessAt?.rfc3339)
    if let error = view.lastError { writer.errorMember(error, name: "lastError") }
    writer.endObject()
  }

  private func write(_ call: Registrar.CallView, to writer: inout JSONWriter) {
    writer.beginObject()
    writer.member("operation", call.operation.rawValue)
    write(rate: call.ratePerSecond, to: &writer)
    writer.member("queued", call.queued)
    writer.member("underWay", call.underWay)
    writer.member("throttles", call.throttles)
    writer.endObject()
  }

  private func write(rate: Double?, to writer: inout JSONWriter) {
    // In hundredths, for people: the pacer's own figure has no meaning behind that.
    writer.member("ratePerSecond", json: Array((rate.map { "\(($0 * 100).rounded() / 100)" } ?? "null").utf8))
  }
}
