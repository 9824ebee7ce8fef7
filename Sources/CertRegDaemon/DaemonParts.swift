import CertRegCore
import CertRegForwarder
import CertRegHost
import CertRegSandbox
import CertRegSettings
import CertRegSocket
import CertRegStore
import CertRegX509
import Glibc
import Logging
import NIOCore
import NIOPosix
import Synchronization

/// The running parts of the daemon. What is built first is taken down last.
final class DaemonParts: Sendable {
  let calls: UpstreamCalls
  let socketPath: String
  /// How to run something on each loop that does the daemon's work.
  let loops: [WatchedLoop]
  let reports: Reports
  /// Noted when something happens that the line of `systemctl status` may tell.
  let activity: Activity
  /// Noted when there are other targets.
  private let targetChanges = Activity()
  private let server: SocketServer
  private let engine: RegistrationEngine
  private let service: RequestService
  private let verdicts: Verdicts
  private let cache: ResultCache
  private let store: SQLiteRegistrationStore
  private let socket: OpenSocket
  private let coreGroup: MultiThreadedEventLoopGroup
  private let workers: NIOThreadPool
  private let metrics: MetricsServer?
  private let clients: Mutex<[TargetName: TargetClient]>
  private let context: CredentialsContext

  /// A client and what it was made from.
  private struct TargetClient: Sendable {
    var configuration: TargetConfiguration
    var client: any UpstreamClient
    var isAWS: Bool

    var engineTarget: EngineTarget { EngineTarget(configuration, client: client, isAWS: isAWS) }
  }

  private init(
    calls: UpstreamCalls, server: SocketServer, engine: RegistrationEngine, service: RequestService, reports: Reports,
    verdicts: Verdicts, cache: ResultCache, store: SQLiteRegistrationStore, socket: OpenSocket, threads: Threads,
    metrics: MetricsServer?, clients: [TargetName: TargetClient], context: CredentialsContext, activity: Activity
  ) {
    self.calls = calls
    self.server = server
    self.engine = engine
    self.service = service
    self.reports = reports
    self.verdicts = verdicts
    self.cache = cache
    self.store = store
    self.socket = socket
    socketPath = socket.path
    coreGroup = threads.core
    workers = threads.workers
    self.metrics = metrics
    self.clients = Mutex(clients)
    self.context = context
    self.activity = activity
    loops =
      [
        WatchedLoop(name: "registrar", patience: 1) { engine.onLoop($0) },
        WatchedLoop(name: "workers", patience: 4) { threads.queue.submit($0) },
        WatchedLoop(name: "store", patience: 4) { store.onCommitThread($0) },
      ]
      + (0..<server.loopCount).map { number in
        WatchedLoop(name: "socket-\(number)", patience: 1) { server.onLoop(number, $0) }
      }
    reports.attach(signing: { [weak self] in self?.signing ?? [:] })
    targetChanges.note()
    activity.note()
  }

  private var signing: [TargetName: Reports.Signing] {
    Self.awsClients(clients.withLock { $0 }).mapValues { client in
      Reports.Signing(
        region: client.endpoint.region,
        credentials: client.credentialsProvenance.map { .init(source: $0.source, expiresAt: $0.expiration) },
        clockOffset: client.clockOffset)
    }
  }

  private static func awsClients(_ clients: [TargetName: TargetClient]) -> [TargetName: AWSUpstreamClient] {
    clients.compactMapValues { $0.client as? AWSUpstreamClient }
  }

  /// Asks for credentials ahead of the first call. Runs until the task is cancelled.
  func watchCredentials() async {
    await CredentialsWatch(reports: reports, activity: activity, changes: targetChanges) {
      Self.awsClients(self.clients.withLock { $0 })
    }.run()
  }

  /// Threads for the core's event loop (registrar and upstream connections) and for blocking work.
  private struct Threads: Sendable {
    /// Half of the cores: clients on this host need the rest, and a loop that is busy answers more with one system
    /// call.
    static let socketLoops = min(8, max(1, System.coreCount / 2))

    let core: MultiThreadedEventLoopGroup
    let workers: NIOThreadPool
    let queue: WorkQueue

    init() {
      let count = min(4, max(1, System.coreCount))
      core = MultiThreadedEventLoopGroup(numberOfThreads: 1)
      workers = NIOThreadPool(numberOfThreads: count)
      workers.start()
      queue = WorkQueue(pool: workers, threads: count)
    }
  }

  static func build(
    _ settings: Settings, passed: Result<[PassedDescriptor], HostError>, openFiles: ProcessLimits.OpenFiles,
    environment: [String: String], pipeline: LogPipeline, logger: Logger
  ) async throws(DaemonError) -> DaemonParts {
    let store: SQLiteRegistrationStore
    let pending: [PendingRegistration]
    let directory = try settings.databaseDirectory()
    let cache = ResultCache(maxEntries: settings.cache.maxEntries, timeToLive: settings.cache.ttl)
    do throws(StoreError) {
      store = try SQLiteRegistrationStore(directory: directory, giveWay: cache.demand.giveWay) { notice in
        log(notice, logger)
      }
      pending = try store.pendingRegistrations()
    } catch {
      throw DaemonError(error)
    }
    for (target, rows) in Dictionary(grouping: pending, by: \.key.target)
    where !settings.targets.contains(where: { $0.name == target }) {
      logger.warning(
        "\(rows.count) queued for the target \(target), which is not configured: they wait until it is")
    }
    guard CertificateValidator.prepare() else {
      throw DaemonError(HostError(.failed, message: "OpenSSL cannot make the elliptic curves that verdicts need"))
    }
    let socket = try OpenSocket.take(passed, else: settings.socket, logger: logger)
    let threads = Threads()
    let context = CredentialsContext(
      environment: ProcessEnvironment(environment), eventLoopGroup: threads.core, logger: logger)
    do throws(DaemonError) {
      let clients = try await makeClients(settings, context: context, keeping: [:])
      do throws(DaemonError) {
        return try await assemble(
          settings, cache: cache, store: store, pending: pending, socket: socket, threads: threads, context: context,
          clients: clients, openFiles: openFiles, pipeline: pipeline, logger: logger)
      } catch {
        await shutDown(clients)
        throw error
      }
    } catch {
      socket.removeFile()
      throw error
    }
  }

  private static func assemble(
    _ settings: Settings, cache: ResultCache, store: SQLiteRegistrationStore, pending: [PendingRegistration],
    socket: OpenSocket, threads: Threads, context: CredentialsContext, clients: [TargetName: TargetClient],
    openFiles: ProcessLimits.OpenFiles, pipeline: LogPipeline, logger: Logger
  ) async throws(DaemonError) -> DaemonParts {
    let verdicts = Verdicts(policies: settings.validation)
    let calls = UpstreamCalls(on: threads.core.next(), demand: cache.demand)
    let maxConnections = min(settings.socket.maxConnections, openFiles.connectionLimit)
    let counts = RequestCounts()
    let audit = AuditTrail(log: pipeline)
    let activity = Activity()
    let reports = Reports(
      constants: settings.reportConstants(startedAt: SystemClock.wall, maxConnections: maxConnections), cache: cache,
      store: store, counts: counts, log: pipeline, workers: threads.queue, loop: threads.core.next())
    var started: SocketServer?
    do {
      let engine = try await RegistrationEngine.start(
        on: threads.core.next(), configuration: settings.registrar,
        targets: settings.targets.compactMap { target in
          clients[target.name]?.engineTarget
        }, resuming: pending, store: store, cache: cache, calls: calls, audit: audit,
        activity: activity, logger: logger)
      reports.attach(engine: engine)
      let service = RequestService(
        verdicts: verdicts, cache: cache, store: store, engine: engine, workers: threads.queue, reports: reports,
        audit: audit, counts: counts, configuration: settings.requests)
      let server = try await SocketServer.start(
        on: socket.descriptor, loops: Threads.socketLoops, handling: service, cache: cache,
        demand: cache.demand, clock: SystemClock.host,
        configuration: settings.socketConfiguration(cache: cache, maxConnections: maxConnections))
      started = server
      reports.attach(server: server)
      var metrics: MetricsServer?
      if let listen = settings.metrics.listen {
        metrics = try await MetricsServer.start(listen, exposition: { reports.metrics($0) }, on: threads.core)
      }
      return DaemonParts(
        calls: calls, server: server, engine: engine, service: service, reports: reports, verdicts: verdicts,
        cache: cache, store: store, socket: socket, threads: threads, metrics: metrics,
        clients: clients, context: context, activity: activity)
    } catch {
      await started?.shutDown()
      throw DaemonError(HostError(.failed, message: "\(socket.path): \(error)"))
    }
  }

  /// Takes what of a new configuration can be taken without a restart.
  func reconfigure(_ settings: Settings) async throws(DaemonError) {
    let old = clients.withLock { $0 }
    let new = try await Self.makeClients(settings, context: context, keeping: old)
    clients.withLock { $0 = new }
    await engine.reconfigure(
      settings.registrar,
      targets: settings.targets.compactMap { target in
        new[target.name]?.engineTarget
      })
    verdicts.replace(settings.validation)
    cache.setTimeToLive(settings.cache.ttl)
    service.reconfigure(settings.requests)
    let maxConnections = reports.maxConnections
    await server.reconfigure(settings.socketConfiguration(cache: cache, maxConnections: maxConnections))
    reports.setConstants {
      $0 = settings.reportConstants(startedAt: $0.startedAt, maxConnections: maxConnections)
    }
    targetChanges.note()
    for (name, target) in old where new[name]?.configuration != target.configuration {
      await target.client.shutdown()
    }
  }

  /// Takes no more requests, answers what was asked, at the latest after `limit` with a refusal, and closes the socket.
  func stop(limit: Duration) async {
    reports.beginDraining()
    socket.removeFile()
    await metrics?.stop()
    async let connections: Void = server.drain(isShared: socket.isShared)
    await engine.drain(limit: limit)
    // Answers are on their way to the connections; a client that does not read them is not waited for.
    let server = server
    let closing = coreGroup.next().scheduleTask(in: .seconds(2)) { server.closeAll() }
    await connections
    closing.cancel()
    calls.finish()
  }

  /// Releases what is left. Calls have ended.
  func close() async {
    await server.shutDown()
    await Self.shutDown(clients.withLock { $0 })
    try? await workers.shutdownGracefully()
    store.close()
    try? await coreGroup.shutdownGracefully()
  }

  /// A client that is not needed any more has to be told: it must not just go.
  private static func shutDown(_ clients: [TargetName: TargetClient]) async {
    for target in clients.values { await target.client.shutdown() }
  }

  /// All clients or none: on an error those that were made here are shut down again.
  private static func makeClients(
    _ settings: Settings, context: CredentialsContext, keeping old: [TargetName: TargetClient]
  ) async throws(DaemonError) -> [TargetName: TargetClient] {
    var clients: [TargetName: TargetClient] = [:]
    for target in settings.targets {
      if let kept = old[target.name], kept.configuration == target {
        clients[target.name] = kept
      } else if settings.sandbox {
        let upstream = target.region.map { EmbeddedUpstream(region: $0) } ?? EmbeddedUpstream()
        clients[target.name] = TargetClient(configuration: target, client: upstream, isAWS: false)
      } else {
        do throws(UpstreamConfigurationError) {
          let client = try await AWSUpstreamClient(configuration: target, context: context)
          clients[target.name] = TargetClient(
            configuration: target, client: client, isAWS: client.endpoint.isAWS)
        } catch {
          await shutDown(clients.filter { old[$0.key]?.configuration != $0.value.configuration })
          throw DaemonError(error)
        }
      }
    }
    return clients
  }

  private static func log(_ notice: StoreNotice, _ logger: Logger) {
    switch notice.kind {
    case .migrated: logger.notice("\(notice.message)")
    case .damaged, .setAside, .salvaged, .commitsMissing, .unguarded:
      logger.log(.error, .storeDamaged, "\(notice.message)")
    }
  }
}

/// The socket that the daemon serves: passed by the service manager, or its own.
struct OpenSocket: Sendable {
  var descriptor: Int32
  var path: String
  var own: ListeningSocket?

  /// The first Unix socket that was passed, or else one of our own.
  static func take(
    _ passed: Result<[PassedDescriptor], HostError>, else settings: SocketSettings, logger: Logger
  ) throws(DaemonError) -> OpenSocket {
    do throws(HostError) {
      var taken: OpenSocket?
      for socket in try passed.get() {
        if taken == nil, case .unix(let path) = socket.family {
          taken = OpenSocket(descriptor: socket.descriptor, path: path ?? socket.name, own: nil)
        } else {
          logger.warning("a socket that the service manager passed is not served: \(socket.name)")
          Glibc.close(socket.descriptor)
        }
      }
      if let taken { return taken }
      let group: ListeningSocket.Options.Group =
        settings.group == SocketSettings().group ? .ifPossible(settings.group) : .required(settings.group)
      let socket = try ListeningSocket.open(.init(path: settings.path, mode: settings.mode, group: group))
      for remark in socket.remarks { logger.notice("\(remark)") }
      return OpenSocket(descriptor: socket.descriptor, path: socket.path, own: socket)
    } catch {
      throw DaemonError(error)
    }
  }

  /// Whether the service manager listens on it, too.
  var isShared: Bool { own == nil }

  /// Removes the socket's file where it is the daemon's own.
  func removeFile() {
    own?.removeFile()
  }
}
