import CertRegCore
import CertRegFleet
import CertRegHost
import CertRegSettings
import CertRegSocket
import Glibc
import Logging

// What each part needs of the settings, in the part's own terms.

extension Settings {
  var registrar: Registrar.Configuration {
    Registrar.Configuration(maxPending: queue.maxEntries, maxAge: queue.maxAge)
  }

  /// The folder of the database. `store.url` may name another than the state directory; the file's own name is the
  /// store's.
  var databaseDirectory: String {
    store.databasePath.map { String($0.dropLast("/certregd.db".utf8.count)) } ?? stateDirectory
  }

  /// What this host's part of a fleet is made of; `nil`: there is none.
  func fleetParts(
    store: any RegistrationStore, known: KnownResults, left: LeftRegistrations, clock: HostClock, workers: WorkQueue,
    activity: Activity, logger: Logger
  ) throws(DaemonError) -> FleetLoop.Parts? {
    guard let url = fleet.url else { return nil }
    let directory = databaseDirectory
    let file = try FleetFile.open(in: directory) { UInt64.random(in: .min ... .max) }
    return FleetLoop.Parts(
      identity: FleetIdentity(
        name: fleet.member ?? ProcessLimits.hostName, instance: file.instance, takeover: fleet.takeover),
      location: FleetLocation(url: url, passwordFile: fleet.passwordFile),
      database: url.database, directory: directory, file: file, store: store, known: known, left: left,
      clock: clock, workers: workers, activity: activity, logger: logger)
  }

  /// - Parameter access: The rules until now; `nil`: there are none.
  func requests(clock: HostClock, continuing access: AccessControl? = nil) -> RequestService.Configuration {
    RequestService.Configuration(
      targets: targets.map(\.name), targetSet: Set(targets.map(\.name)), defaultTarget: defaultTarget,
      defaultStatus: defaultStatus, defaultTimeout: defaultTimeout,
      profiles: Dictionary(provisioning.map { ($0.name, $0) }) { first, _ in first },
      targetProfiles: Dictionary(targets.compactMap { target in target.profile.map { (target.name, $0) } }) { $1 },
      access: self.access.map {
        AccessControl(
          $0, maxPending: queue.maxEntries, database: .system, clock: clock, continuing: access)
      }, auditsRepeats: log.auditRepeats)
  }

  func socketConfiguration(cache: ResultCache, maxConnections: Int) -> SocketConfiguration {
    var configuration = SocketConfiguration()
    configuration.window = socket.window
    configuration.maxLineBytes = socket.maxLineBytes
    configuration.maxConnections = maxConnections
    configuration.maxConnectionsPerUser = socket.maxConnectionsPerUser ?? max(1, maxConnections / 2)
    configuration.budgetBytes = socket.memoryBudgetBytes
    configuration.maxBytesUnderWay = socket.connectionBudgetBytes
    configuration.idleTimeout = socket.idleTimeout
    let profiles = Dictionary(provisioning.map { ($0.name, $0) }) { first, _ in first }
    configuration.targets = targets.map { target in
      SocketConfiguration.Target(
        target.name.rawValue, number: cache.number(of: target.name), profile: target.profile.flatMap { profiles[$0] })
    }
    if let standard = targets.firstIndex(where: { $0.name == defaultTarget }) {
      configuration.defaultTarget = configuration.targets[standard]
    }
    return configuration
  }

  func reportConstants(startedAt: WallTime, maxConnections: Int) -> Reports.Constants {
    Reports.Constants(
      startedAt: startedAt, processID: getpid(), isSandbox: sandbox,
      targets: Dictionary(targets.map { ($0.name, $0) }) { first, _ in first }, defaultTarget: defaultTarget,
      maxConnections: maxConnections, window: socket.window, maxLineBytes: socket.maxLineBytes,
      maxPending: queue.maxEntries, maxCached: cache.maxEntries)
  }
}

extension TargetLimits {
  /// - Parameters:
  ///   - isAWS: Whether the target's endpoint is one of AWS, whose default quotas hold for each account and region.
  ///   - accountRate: The account's own rate of registrations, in calls a second, as Service Quotas tells it; `nil`: it
  ///     is not known. Where it is known, registrations are not probed above it, nor other operations above a pace that
  ///     is configured for them. A configuration that does not ask for it has no use for it.
  init(_ configuration: TargetConfiguration, isAWS: Bool, accountRate: Double? = nil) {
    // The answer to a configuration that asked may come after one that names the rate.
    let accountRate = configuration.asksForRate ? accountRate : nil
    var operations: [UpstreamOperation: OperationLimits] = [:]
    for operation in UpstreamOperation.allCases {
      let quota = operation.defaultQuota
      let rate = configuration.rates[operation] ?? (isAWS ? quota : nil)
      operations[operation] = OperationLimits(
        ratePerSecond: rate, maxRatePerSecond: accountRate == nil ? nil : configuration.rates[operation],
        burst: configuration.rates[operation].map { max(1, $0) } ?? quota, probesSeldom: true)
    }
    let operation = UpstreamOperation.registerCertificateWithoutCA
    let isPaced = isAWS && !configuration.withoutValue.contains(.ratePerSecond)
    let bound = [configuration.maxRatePerSecond, accountRate].compactMap { $0 }.min()
    let assumed = isPaced || configuration.asksForRate ? operation.defaultQuota : nil
    operations[operation] = OperationLimits(
      ratePerSecond: accountRate == nil ? configuration.ratePerSecond ?? assumed : bound, maxRatePerSecond: bound,
      burst: configuration.burst ?? accountRate.map { max(1, $0) } ?? operation.defaultQuota)
    self.init(operations: operations, maxConcurrent: configuration.maxConcurrent)
  }
}

extension ProcessLimits.OpenFiles {
  /// Descriptors that are not for connections: those of a target's calls and of descriptions, the store's, event loops,
  /// the log, and the fewest held processes of peers.
  private static let keptBack: UInt64 = 160
  private static let fewestHeldPeers = 32

  /// How many connections there is room for.
  var connectionLimit: Int {
    Int(clamping: soft > Self.keptBack + 16 ? soft - Self.keptBack : 16)
  }

  /// How many processes of peers may be held at once, each with a descriptor: one for each connection, if there are as
  /// many descriptors.
  func heldPeers(beside connections: Int) -> Int {
    let spare = max(0, connectionLimit - connections)
    return min(connections, max(Self.fewestHeldPeers, spare))
  }
}

extension LogSettings {
  var pipeline: LogPipeline.Configuration {
    LogPipeline.Configuration(level: level.swiftLog, destination: destination.host, format: format.host)
  }
}

extension LogSettings.Level {
  var swiftLog: Logger.Level { Logger.Level(rawValue: rawValue) ?? .info }
}

extension LogSettings.Destination {
  fileprivate var host: LogDestination { LogDestination(rawValue: rawValue) ?? .automatic }
}

extension LogSettings.Format {
  fileprivate var host: LogFormat { LogFormat(rawValue: rawValue) ?? .text }
}
