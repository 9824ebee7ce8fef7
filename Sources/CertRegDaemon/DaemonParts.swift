import CertRegClock
import CertRegCore
import CertRegForwarder
import CertRegHost
import CertRegSettings
import CertRegSocket
import CertRegStore
import CertRegX509
import Logging
import NIOCore
import NIOPosix

/// The running parts of the daemon. They are built in the order of their declaration, and taken down in the opposite
/// order.
final class DaemonParts: Sendable {
  /// What the process gives the parts.
  struct Surroundings: Sendable {
    var clock: HostClock
    /// The sockets that the service manager passed.
    var passed: PassedSockets
    var openFiles: ProcessLimits.OpenFiles
    var environment: [String: String]
    /// Told of a start that takes long.
    var notifier: ServiceNotifier
    var log: LogPipeline
    var logger: Logger
  }

  /// Noted when something happens that the line of `systemctl status` may tell.
  let activity = Activity()
  private let clock: HostClock
  /// Noted when there are other targets.
  private let targetChanges = Activity()
  private let quotaChanges = Activity()
  private let store: SQLiteRegistrationStore
  private let known: KnownResults
  private let homesFile: HomesFile
  private let verdicts: Verdicts
  private let left: LeftRegistrations
  private let socket: OpenSocket
  private let threads: Threads
  private let clients: TargetClients
  let calls: UpstreamCalls
  private let engine: RegistrationEngine
  private let descriptions: Descriptions
  private let server: SocketServer
  let reports: Reports
  private let service: RequestService
  private let metrics: MetricsServer?

  /// Builds the parts; requests are answered once it returns.
  ///
  /// - Throws: The reason why the daemon cannot start. Parts that were built by then are shut down.
  init(_ settings: Settings, _ surroundings: Surroundings) async throws(DaemonError) {
    let (clock, logger) = (surroundings.clock, surroundings.logger)
    let demand = AnswerDemand()
    let givingWay = GivingWay(demand: demand, clock: clock)
    let opened = try Self.openStore(settings, givingWay, surroundings)
    let store = opened.store
    let homes = try HomesFile.open(in: settings.databaseDirectory, logger: logger)
    let memory = ResultCache(maxEntries: settings.cache.maxEntries)
    let verdicts = Verdicts(policies: settings.validation, clock: clock)
    let left = LeftRegistrations(verdicts: verdicts, clock: clock, profiles: settings.provisioning)
    let socket = try OpenSocket.take(surroundings.passed, else: settings.socket, logger: logger)
    let threads = Threads(givingWay: givingWay)
    let loop = threads.core.next()
    let known = KnownResults(
      memory: memory, store: store, timeToLive: settings.cache.ttl, homes: homes.homes
    ) { homes.file.append($0, on: threads.queue) }
    let clients = Self.clients(settings, surroundings, known, on: threads.core)
    let calls = UpstreamCalls(on: loop, givingWay: givingWay) { clients.client(of: $0) }
    let audit = AuditTrail(log: surroundings.log)
    let counts = RequestCounts()
    var started: SocketServer?
    do {
      try await clients.replace(with: settings.targets)
      known.point(clients.locations)
      await clients.findSigners()
      let fleet = try settings.fleetParts(
        store: store, known: known, left: left, clock: clock, workers: threads.queue, activity: activity,
        logger: logger)
      let engine = await RegistrationEngine.start(
        on: loop,
        RegistrationEngine.Parts(
          store: store, known: known, calls: calls, clock: clock, audit: audit, activity: activity,
          givingWay: givingWay, logger: logger, fleet: fleet),
        configuration: settings.registrar, targets: clients.limits, resuming: opened.pending)
      let server = try SocketServer(loops: Threads.socketLoops)
      started = server
      let maxConnections = min(settings.socket.maxConnections, surroundings.openFiles.connectionLimit)
      let reports = Reports(
        Reports.Parts(
          engine: engine, server: server, clients: clients, cache: memory, store: store, counts: counts,
          log: surroundings.log, workers: threads.queue, loop: loop, clock: clock),
        constants: settings.reportConstants(startedAt: clock.wall, maxConnections: maxConnections))
      let descriptions = Descriptions(calls: calls, clock: clock) { clients.describeTurns(of: $0) }
      let service = RequestService(
        RequestService.Parts(
          verdicts: verdicts, known: known, engine: engine, descriptions: descriptions,
          workers: threads.queue, reports: reports, audit: audit, counts: counts, clock: clock,
          mostHeldPeers: surroundings.openFiles.heldPeers(beside: maxConnections)),
        configuration: settings.requests(clock: clock))
      var socketConfiguration = settings.socketConfiguration(cache: memory, maxConnections: maxConnections)
      socketConfiguration.connectionsExhausted = { logger.log(.warning, .connectionsExhausted, "\($0)") }
      try await server.serve(
        socket.descriptors, handling: service, cache: memory, demand: demand, clock: clock,
        configuration: socketConfiguration)
      metrics = try await Self.metricsServer(settings, reports, on: threads.core)
      self.engine = engine
      self.descriptions = descriptions
      self.server = server
      self.reports = reports
      self.service = service
    } catch {
      await started?.shutDown()
      await clients.shutDown()
      socket.removeFile()
      throw Self.fault(error, at: socket)
    }
    self.clock = clock
    self.store = store
    self.known = known
    homesFile = homes.file
    self.verdicts = verdicts
    self.left = left
    self.socket = socket
    self.threads = threads
    self.clients = clients
    self.calls = calls
    targetChanges.note()
    quotaChanges.note()
    activity.note()
  }

  var socketPath: String { socket.path }

  /// Every loop and thread that does the daemon's work.
  var loops: [WatchedLoop] {
    let (engine, threads, store, server) = (engine, threads, store, server)
    return [
      WatchedLoop(name: "registrar", patience: 1) { engine.onLoop($0) },
      WatchedLoop(name: "workers", patience: 4) { threads.queue.submit($0) },
      WatchedLoop(name: "store", patience: 4) { store.onCommitThread($0) },
    ]
      + (0..<server.loopCount).map { number in
        WatchedLoop(name: "socket-\(number)", patience: 1) { server.onLoop(number, $0) }
      }
  }

  /// Asks for credentials ahead of the first call. Runs until the task is cancelled.
  func watchCredentials() async {
    await CredentialsWatch(reports: reports, activity: activity, changes: targetChanges) {
      self.clients.awsClients
    }.run()
  }

  /// Asks for the accounts' own rates. Runs until the task is cancelled.
  func watchQuotas() async {
    await QuotaWatch(changes: quotaChanges, clients: { self.clients.clientsAskingForRate }) { answers in
      self.clients.setAccountRates(answers.compactMapValues { try? $0.get() })
      await self.engine.setTargets { self.clients.limits }
      self.reports.setRateProblems(
        answers.compactMapValues { if case .failure(let error) = $0 { error } else { nil } })
      self.activity.note()
    }.run()
  }

  /// Takes what of a new configuration can be taken without a restart.
  ///
  /// - Throws: What is wrong with a target. Then everything stays as it was.
  func reconfigure(_ settings: Settings) async throws(DaemonError) {
    try await clients.replace(with: settings.targets)
    known.point(clients.locations)
    await clients.findSigners()
    await engine.reconfigure(settings.registrar, targets: clients.limits)
    verdicts.replace(settings.validation)
    left.replace(settings.provisioning)
    known.setTimeToLive(settings.cache.ttl)
    service.reconfigure(settings.requests(clock: clock, continuing: service.currentConfiguration.access))
    let maxConnections = reports.maxConnections
    await server.reconfigure(settings.socketConfiguration(cache: known.memory, maxConnections: maxConnections))
    reports.setConstants {
      $0 = settings.reportConstants(startedAt: $0.startedAt, maxConnections: maxConnections)
    }
    reports.setRateProblems([:])
    targetChanges.note()
    quotaChanges.note()
  }

  /// Accepts no more requests, answers the requests under way, after `limit` with a refusal, and closes the socket.
  func stop(limit: Duration) async {
    reports.beginDraining()
    socket.removeFile()
    await metrics?.stop()
    async let connections: Void = server.drain(isShared: socket.isShared)
    async let described: Void = descriptions.drain(limit: limit)
    await engine.drain(limit: limit)
    await described
    // Answers are on their way to the connections; a client that does not read them is not waited for.
    let server = server
    let closing = threads.core.next().scheduleTask(in: .seconds(2)) { server.closeAll() }
    await connections
    closing.cancel()
    await engine.leaveFleet()
    calls.finish()
  }

  /// Releases the remaining parts. Calls have ended.
  ///
  /// The core's loop ends with the process: a look-up of a name cannot be cancelled, and NIO complains when one ends
  /// after its loop.
  func close() async {
    await server.shutDown()
    await clients.shutDown()
    try? await threads.workers.shutdownGracefully()
    homesFile.writeWaiting()
    store.close()
  }
}

extension DaemonParts {
  /// Threads for the core's event loop (registrar and upstream connections) and for blocking work.
  private struct Threads: Sendable {
    /// Half of the cores: clients on this host need the rest, and a loop that is busy answers more with one system
    /// call.
    static let socketLoops = min(8, max(1, System.coreCount / 2))

    let core: MultiThreadedEventLoopGroup
    let workers: NIOThreadPool
    let queue: WorkQueue

    init(givingWay: GivingWay) {
      let count = min(4, max(1, System.coreCount))
      core = MultiThreadedEventLoopGroup(numberOfThreads: 1)
      workers = NIOThreadPool(numberOfThreads: count)
      workers.start()
      queue = WorkQueue(pool: workers, threads: count, givingWay: givingWay)
    }
  }

  /// Opens the state directory, with what an earlier process left unfinished, and makes what verdicts need.
  private static func openStore(
    _ settings: Settings, _ givingWay: GivingWay, _ surroundings: Surroundings
  ) throws(DaemonError) -> (store: SQLiteRegistrationStore, pending: [PendingRegistration]) {
    let directory = settings.databaseDirectory
    let (logger, notifier) = (surroundings.logger, surroundings.notifier)
    let store: SQLiteRegistrationStore
    let pending: [PendingRegistration]
    do throws(StoreError) {
      store = try SQLiteRegistrationStore(
        directory: directory, clock: surroundings.clock, giveWay: givingWay.giveWay,
        onProgress: { notifier.starting($0) }, onNotice: { log($0, logger) })
      pending = try store.pendingRegistrations()
    } catch {
      throw DaemonError(error)
    }
    let configured = Set(settings.targets.map(\.name))
    for (target, rows) in Dictionary(grouping: pending, by: \.key.target) where !configured.contains(target) {
      logger.warning(
        "\(rows.count) queued for the target \(target), which is not configured: they wait until it is")
    }
    guard CertificateValidator.prepare() else {
      throw DaemonError(HostError(.failed, message: "OpenSSL cannot make the elliptic curves that verdicts need"))
    }
    return (store, pending)
  }

  /// The clients of the upstreams, without targets yet.
  private static func clients(
    _ settings: Settings, _ surroundings: Surroundings, _ known: KnownResults, on group: MultiThreadedEventLoopGroup
  ) -> TargetClients {
    let context = CredentialsContext(
      environment: ProcessEnvironment(surroundings.environment), hostName: ProcessLimits.hostName,
      clock: surroundings.clock, eventLoopGroup: group, logger: surroundings.logger)
    return TargetClients(context: context, isSandbox: settings.sandbox, signed: { known.sign($0, at: $1, by: $2) })
  }

  /// Starts the server for scrapes; `nil`: the configuration wants none.
  private static func metricsServer(
    _ settings: Settings, _ reports: Reports, on group: MultiThreadedEventLoopGroup
  ) async throws(HostError) -> MetricsServer? {
    guard let listen = settings.metrics.listen else { return nil }
    return try await MetricsServer.start(listen, exposition: { reports.metrics(of: nil, $0) }, on: group)
  }

  /// Why the parts could not be built.
  private static func fault(_ error: any Error, at socket: OpenSocket) -> DaemonError {
    switch error {
    case let error as DaemonError: error
    case let error as HostError: DaemonError(error)
    default: DaemonError(HostError(.failed, message: "\(socket.path): \(error)"))
    }
  }

  private static func log(_ notice: StoreNotice, _ logger: Logger) {
    switch notice.kind {
    case .migrated: logger.notice("\(notice.message)")
    case .damaged, .setAside, .salvaged, .commitsMissing, .unguarded:
      logger.log(.error, .storeDamaged, "\(notice.message)")
    }
  }
}

extension ServiceNotifier {
  /// Says that a start takes long and goes on: the service manager waits for the next message, or for the end of the
  /// start, as long as the work may take.
  func starting(_ progress: StoreProgress) {
    extendTimeout(by: progress.allowance)
    status(progress.message)
  }
}
