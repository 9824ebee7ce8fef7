import CertRegCore
import CertRegProtocol
import CertRegSocket
import NIOCore
import Synchronization

/// Writes the answers to `status` and `metrics`.
final class Reports: Sendable {
  /// What of the daemon does not change often.
  struct Constants: Sendable {
    var startedAt: WallTime
    var processID: Int32
    var isSandbox: Bool
    var targets: [TargetConfiguration]
    var defaultTarget: TargetName
    var maxConnections: Int
    var window: Int
    var maxLineBytes: Int
    var maxPending: Int
    var maxCached: Int
  }

  private struct State {
    var constants: Constants
    var engine: RegistrationEngine?
    var server: SocketServer?
    var isDraining = false
  }

  private let state: Mutex<State>
  private let cache: ResultCache
  private let loop: any EventLoop

  init(constants: Constants, cache: ResultCache, loop: any EventLoop) {
    state = Mutex(State(constants: constants))
    self.cache = cache
    self.loop = loop
  }

  func attach(engine: RegistrationEngine) {
    state.withLock { $0.engine = engine }
  }

  func attach(server: SocketServer) {
    state.withLock { $0.server = server }
  }

  func setConstants(_ change: (inout Constants) -> Void) {
    state.withLock { change(&$0.constants) }
  }

  var maxConnections: Int { state.withLock { $0.constants.maxConnections } }

  func beginDraining() {
    state.withLock { $0.isDraining = true }
  }

  /// Everything that a report is made of.
  struct Figures: Sendable {
    var constants: Constants
    var isDraining: Bool
    var engine: EngineReport
    var sockets: LoopCounters
    var cached: Int
    var now: WallTime
  }

  func figures() -> EventLoopFuture<Figures> {
    let current = state.withLock { ($0.constants, $0.engine, $0.server, $0.isDraining) }
    let engine = current.1?.report() ?? loop.makeSucceededFuture(EngineReport())
    let sockets = current.2?.counters(on: loop) ?? loop.makeSucceededFuture(LoopCounters())
    return engine.hop(to: loop).and(sockets).map { [cache] engine, sockets in
      Figures(
        constants: current.0, isDraining: current.3, engine: engine, sockets: sockets, cached: cache.count,
        now: SystemClock.wall)
    }
  }

  /// Hands `answer` the members of the answer to `status`.
  func status(_ answer: @escaping @Sendable ((inout JSONWriter) -> Void) -> Void) {
    figures().whenSuccess { figures in answer { figures.writeStatus(to: &$0) } }
  }

  /// Hands `answer` the metrics in Prometheus' text format.
  func metrics(_ answer: @escaping @Sendable (String) -> Void) {
    figures().whenSuccess { figures in answer(figures.exposition) }
  }
}

extension Reports.Figures {
  fileprivate func writeStatus(to writer: inout JSONWriter) {
    writer.member("version", Version.current)
    writer.member("state", isDraining ? "draining" : "running")
    writer.member("startedAt", constants.startedAt.rfc3339)
    writer.member("uptimeSeconds", Int(now.secondsSinceEpoch - constants.startedAt.secondsSinceEpoch))
    writer.member("pid", Int(constants.processID))
    writer.member("sandbox", constants.isSandbox)
    writer.beginArray("targets")
    for target in engine.targets { write(target.name, target.view, to: &writer) }
    writer.endArray()
    writer.beginObject("cache")
    writer.member("entries", cached)
    writer.member("maxEntries", constants.maxCached)
    writer.member("hits", sockets.rememberedAnswers + sockets.cachedAnswers)
    writer.endObject()
    writer.beginObject("queue")
    writer.member("entries", engine.pending)
    writer.member("maxEntries", constants.maxPending)
    if let oldest = engine.oldestPending {
      writer.member("oldestAgeSeconds", Int(max(0, now.secondsSinceEpoch - oldest.secondsSinceEpoch)))
    }
    writer.endObject()
    writer.beginObject("connections")
    writer.member("open", sockets.connectionsOpen)
    writer.member("max", constants.maxConnections)
    writer.member("total", sockets.connectionsOpened)
    writer.endObject()
    writer.beginObject("limits")
    writer.member("window", constants.window)
    writer.member("maxLineBytes", constants.maxLineBytes)
    writer.endObject()
    writer.beginObject("counters")
    writer.member("lines", sockets.lines)
    writer.member("invalidLines", sockets.invalidLines)
    writer.member("pauses", sockets.pauses)
    writer.member("upstreamCalls", engine.calls)
    writer.member("created", engine.created)
    writer.member("existing", engine.existing)
    writer.member("failed", engine.failed)
    writer.endObject()
  }

  private func write(_ name: TargetName, _ view: Registrar.TargetView, to writer: inout JSONWriter) {
    let configuration = constants.targets.first { $0.name == name }
    writer.beginObject()
    writer.member("name", name.rawValue)
    writer.member("default", name == constants.defaultTarget)
    writer.member("region", ifPresent: configuration?.region)
    writer.member("endpoint", ifPresent: constants.isSandbox ? "sandbox" : configuration?.endpoint)
    writer.member("health", view.health.rawValue)
    writer.member("queued", view.queued)
    writer.member("inFlight", view.underWay)
    if let rate = view.ratePerSecond {
      // In hundredths, for people: the pacer's own figure has no meaning behind that.
      writer.member("ratePerSecond", json: Array("\((rate * 100).rounded() / 100)".utf8))
    } else {
      writer.member("ratePerSecond", json: Array("null".utf8))
    }
    writer.member("throttles", view.throttles)
    writer.member("lastSuccessAt", ifPresent: view.lastSuccessAt?.rfc3339)
    if let error = view.lastError { writer.errorMember(error, name: "lastError") }
    writer.endObject()
  }

  /// Prometheus' text exposition format, version 0.0.4.
  fileprivate var exposition: String {
    var text = ""
    func family(_ name: String, _ type: String, _ help: String, _ samples: [(labels: String, value: Double)]) {
      text += "# HELP certregd_\(name) \(help)\n# TYPE certregd_\(name) \(type)\n"
      for sample in samples { text += "certregd_\(name)\(sample.labels) \(sample.value)\n" }
    }
    func single(_ name: String, _ type: String, _ help: String, _ value: Int) {
      family(name, type, help, [("", Double(value))])
    }
    single("lines_total", "counter", "Lines received on the socket.", sockets.lines)
    single("invalid_lines_total", "counter", "Lines refused as no valid request.", sockets.invalidLines)
    single(
      "cache_hits_total", "counter", "Requests answered from what was known in memory.",
      sockets.rememberedAnswers + sockets.cachedAnswers)
    single("cache_entries", "gauge", "Results in memory.", cached)
    single("connections", "gauge", "Open connections.", sockets.connectionsOpen)
    single("connections_total", "counter", "Connections accepted.", sockets.connectionsOpened)
    single("read_pauses_total", "counter", "Reads held back by a window or budget.", sockets.pauses)
    family(
      "registrations_total", "counter", "Registrations that ended, by outcome.",
      [
        ("{outcome=\"created\"}", Double(engine.created)), ("{outcome=\"existing\"}", Double(engine.existing)),
        ("{outcome=\"failed\"}", Double(engine.failed)),
      ])
    single("queue_entries", "gauge", "Registrations that have not ended.", engine.pending)
    single("upstream_calls_total", "counter", "Calls made to the upstream.", engine.calls)
    let targets = engine.targets
    family(
      "upstream_calls_in_flight", "gauge", "Calls under way, by target.",
      targets.map { ("{target=\"\($0.name)\"}", Double($0.view.underWay)) })
    family(
      "upstream_throttles_total", "counter", "Calls that the upstream throttled, by target.",
      targets.map { ("{target=\"\($0.name)\"}", Double($0.view.throttles)) })
    family(
      "upstream_healthy", "gauge", "1 while the target's upstream answers.",
      targets.map { ("{target=\"\($0.name)\"}", $0.view.health == .ok ? 1 : 0) })
    family(
      "pace_calls_per_second", "gauge", "Calls a second that the pacer allows; absent where there is no pace.",
      targets.compactMap { target in target.view.ratePerSecond.map { ("{target=\"\(target.name)\"}", $0) } })
    family(
      "start_time_seconds", "gauge", "Start of the daemon, seconds since 1970.",
      [("", Double(constants.startedAt.millisecondsSinceEpoch) / 1000)])
    return text
  }
}
