import CertRegCodec
import CertRegCore
import CertRegForwarder
import CertRegHost
import CertRegProtocol
import CertRegSocket
import NIOCore
import Synchronization

/// Writes the answers to `status` and `metrics`.
final class Reports: Sendable {
  /// Figures that change only at a reload.
  struct Constants: Sendable {
    var startedAt: WallTime
    var processID: Int32
    var isSandbox: Bool
    var targets: [TargetName: TargetConfiguration]
    var defaultTarget: TargetName
    var maxConnections: Int
    var window: Int
    var maxLineBytes: Int
    var maxPending: Int
    var maxCached: Int
  }

  /// What a target's calls are signed with, as far as one may tell.
  struct Signing: Sendable {
    /// As configured, or found.
    var region: String
    /// `nil`: there are no credentials yet.
    var credentials: Credentials?
    /// The offset that signatures add to the host's clock to match the upstream's.
    var clockOffset: Duration
  }

  struct Credentials: Sendable {
    var source: String
    /// `nil`: they have no end.
    var expiresAt: WallTime?
  }

  /// What the reports are made from.
  struct Parts: Sendable {
    var engine: RegistrationEngine
    var server: SocketServer
    var clients: TargetClients
    var cache: ResultCache
    var store: any RegistrationStore
    var counts: RequestCounts
    var log: LogPipeline
    var workers: WorkQueue
    var loop: any EventLoop
    var clock: HostClock
  }

  private struct State {
    var constants: Constants
    var isDraining = false
    var reloadProblem: String?
    var credentialsProblems: [TargetName: ServiceError] = [:]
    var rateProblems: [TargetName: ServiceError] = [:]
  }

  private let state: Mutex<State>
  private let parts: Parts

  init(_ parts: Parts, constants: Constants) {
    self.parts = parts
    state = Mutex(State(constants: constants))
  }

  /// Why the last reload was refused; `nil`: it was not.
  func setReloadProblem(_ problem: String?) {
    state.withLock { $0.reloadProblem = problem }
  }

  /// Why there are no credentials for the targets, before any call was made.
  func setCredentialsProblems(_ problems: [TargetName: ServiceError]) {
    state.withLock { $0.credentialsProblems = problems }
  }

  /// Why the accounts' own rates of targets are not known.
  func setRateProblems(_ problems: [TargetName: ServiceError]) {
    state.withLock { $0.rateProblems = problems }
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
    var reloadProblem: String?
    var rateProblems: [TargetName: ServiceError] = [:]
    var engine: EngineReport
    var sockets: LoopCounters
    var requests: [RequestCounts.Key: Int]
    var signing: [TargetName: Signing]
    var missingLog: (suppressed: Int, dropped: Int)
    var cached: Int
    var stored: Int
    var now: WallTime
  }

  func figures() -> EventLoopFuture<Figures> {
    let current = state.withLock { $0 }
    let sockets = parts.server.counters(on: parts.loop)
    return parts.engine.report().hop(to: parts.loop).and(sockets).map { [parts] engine, sockets in
      var engine = engine
      engine.takeOver(current.credentialsProblems)
      return Figures(
        constants: current.constants, isDraining: current.isDraining, reloadProblem: current.reloadProblem,
        rateProblems: current.rateProblems, engine: engine, sockets: sockets, requests: parts.counts.all,
        signing: parts.clients.signing,
        missingLog: parts.log.missing, cached: parts.cache.count,
        stored: parts.store.registeredCount, now: parts.clock.wall)
    }
  }

  /// Hands `answer` the members of the answer to `status`.
  ///
  /// - Parameter targets: The targets that the caller may see; `nil`: all.
  func status(of targets: Set<TargetName>?, _ answer: @escaping @Sendable ((inout JSONWriter) -> Void) -> Void) {
    figures().whenSuccess { figures in
      let figures = figures.restricted(to: targets)
      answer { figures.writeStatus(to: &$0) }
    }
  }

  /// Hands `answer` the metrics in Prometheus' text format, on a worker thread.
  ///
  /// - Parameter targets: The targets that the caller may see; `nil`: all.
  func metrics(of targets: Set<TargetName>?, _ answer: @escaping @Sendable (String) -> Void) {
    figures().whenSuccess { [parts] figures in
      let figures = figures.restricted(to: targets)
      parts.workers.submit { answer(figures.exposition(of: ProcessFigures.current())) }
    }
  }
}

extension Reports.Figures {
  /// The figures without what names or counts other targets than these; `nil`: all may be seen. Sums of the whole
  /// daemon stay.
  func restricted(to targets: Set<TargetName>?) -> Self {
    guard let targets else { return self }
    var figures = self
    figures.engine.targets.removeAll { !targets.contains($0.name) }
    figures.rateProblems = rateProblems.filter { targets.contains($0.key) }
    figures.signing = signing.filter { targets.contains($0.key) }
    // The texts may name targets.
    if reloadProblem != nil { figures.reloadProblem = "certregd's log says why" }
    figures.engine.fleet?.problem?.message = "certregd's log says why"
    for member in figures.engine.fleet?.members.indices ?? 0..<0 {
      figures.engine.fleet?.members[member].shares.removeAll { !targets.contains($0.target) }
    }
    return figures
  }
}

extension EngineReport {
  /// The health of a target without calls so far is that of its credentials. So is that of a target whose last failure
  /// was one of its credentials, which may have come since.
  fileprivate mutating func takeOver(_ credentialsProblems: [TargetName: ServiceError]) {
    for index in targets.indices {
      if targets[index].view.health == .unauthorized, credentialsProblems[targets[index].name] == nil,
        let error = targets[index].view.lastError,
        FailureReason(rawValue: error.reason.rawValue)?.isOfCredentials == true
      {
        targets[index].view.health = .ok
      }
      guard let problem = credentialsProblems[targets[index].name], targets[index].view.health == .ok,
        targets[index].view.lastSuccessAt == nil
      else { continue }
      targets[index].view.health = .unauthorized
      targets[index].view.lastError = problem
    }
  }
}
