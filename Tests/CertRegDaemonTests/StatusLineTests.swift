import CertRegSocket
import CertRegTesting
import Testing

@testable import CertRegCore
@testable import CertRegDaemon

@Suite struct StatusLineTests {
  private func figures(_ change: (inout Reports.Figures) -> Void = { _ in }) -> Reports.Figures {
    let name = TargetName("eu")
    var engine = EngineReport()
    engine.targets = [
      (name, Registrar.TargetView(health: .ok, queued: 0, underWay: 0, ratePerSecond: 10, throttles: 0, calls: []))
    ]
    let constants = Reports.Constants(
      startedAt: Version.earliestClock, processID: 1, isSandbox: false,
      targets: [name: TargetConfiguration(name: name)],
      defaultTarget: name, maxConnections: 4, window: 64, maxLineBytes: 1024, maxPending: 100, maxCached: 10)
    var figures = Reports.Figures(
      constants: constants, isDraining: false, reloadProblem: nil, engine: engine, sockets: LoopCounters(),
      requests: [:], signing: [:], missingLog: (0, 0), cached: 0, stored: 0, now: Version.earliestClock)
    change(&figures)
    return figures
  }

  @Test func `shows rates and queue`() {
    let text = StatusLine.text(figures { $0.engine.pending = 7 }, .init(requests: 12.34, calls: 0.5))
    #expect(text == "serving 1 target: 12 requests/s, 0.5 calls/s, 7 queued")
    #expect(StatusLine.text(figures { $0.isDraining = true }, .init()).hasPrefix("stopping: 0 requests/s"))
  }

  @Test func `lists problems, the most urgent first`() {
    let error = ServiceError(.unauthorized, reason: "no_credentials", message: "No AWS credentials", origin: .upstream)
    let troubled = figures {
      $0.reloadProblem = "config.yaml:3: targetz: unknown key"
      $0.now = WallTime(secondsSinceEpoch: 0)
      $0.engine.storeError = StoreError(.full, message: "/var/lib/certregd: the disk is full")
      $0.engine.pending = 100
      $0.sockets.connectionsOpen = 4
      $0.engine.targets[0].view.health = .unauthorized
      $0.engine.targets[0].view.lastError = error
    }
    #expect(
      troubled.problems.map(\.reason) == [
        "reload_refused", "clock_not_set", "store_full", "queue_full", "too_many_connections", "no_credentials",
      ])
    let text = StatusLine.text(troubled, .init())
    #expect(text.contains("; the old configuration stays: config.yaml:3: targetz: unknown key; the clock is not set"))
    #expect(text.hasSuffix("; eu is unauthorized: no_credentials: No AWS credentials"))
    #expect(figures().problems == [])
  }
}
