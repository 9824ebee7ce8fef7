package import CertRegCore

/// The whole configuration of the daemon: one validated value. `Settings()` holds the built-in defaults.
package struct Settings: Sendable, Equatable {
  /// The listening socket and the limits of its connections.
  package var socket = SocketSettings()
  /// Absolute path of the folder that holds the queue, the results and the lock.
  package var stateDirectory = "/var/lib/certregd"
  /// What may be made of certificates once they are registered. Sorted by name, names unique. The bodies of templates
  /// are empty: the daemon reads their files.
  package var provisioning: [ProvisioningProfile] = []
  /// Sorted by name, never empty, names unique.
  package var targets = [TargetConfiguration(name: TargetName("default"))]
  /// Names one of `targets`: the target of requests that name none.
  package var defaultTarget = TargetName("default")
  /// Sent for a request that names no status; `nil`: none is sent.
  package var defaultStatus: CertificateStatus?
  /// The rules for certificates.
  package var validation = ValidationPolicies()
  /// How long results are kept.
  package var cache = CacheSettings()
  /// The limits of the queue.
  package var queue = QueueSettings()
  /// How the state is written.
  package var store = StoreSettings()
  /// Other hosts of the same account.
  package var fleet = FleetSettings()
  /// `nil`: every client that can connect may do everything.
  package var access: AccessSettings?
  package var log = LogSettings()
  /// Where metrics are served.
  package var metrics = MetricsSettings()
  /// Whether the upstream is the one embedded in the process.
  package var sandbox = false
  /// How long work under way may take to end after SIGTERM.
  package var drainTimeout = Duration.seconds(25)
  /// How long a request without `timeoutMs` waits.
  package var defaultTimeout = Duration.seconds(60)

  package init() {}
}

/// The listening socket and what its connections may use.
package struct SocketSettings: Sendable, Equatable {
  /// Absolute path, at most 107 bytes (`sun_path` of unix(7)).
  package var path = "/run/certregd/certregd.sock"
  /// Permission bits of the socket file.
  package var mode: UInt32 = 0o660
  /// Name or number of the group that owns the socket file.
  package var group = "certregd"
  /// Limit of open connections.
  package var maxConnections = 4096
  /// Most connections of one user at once; `nil`: half of the connections that are possible.
  package var maxConnectionsPerUser: Int?
  /// Most requests of one connection that run at the same time.
  package var window = 64
  /// Longest line without its LF.
  package var maxLineBytes = 1 << 20
  /// A connection with nothing under way is closed after this long; `nil`: never.
  package var idleTimeout: Duration?
  /// Most bytes of requests under way of one connection.
  package var connectionBudgetBytes = 4 << 20
  /// Most bytes of requests under way of all connections together.
  package var memoryBudgetBytes = 32 << 20

  package init() {}
}

/// What is kept of registrations that have ended.
package struct CacheSettings: Sendable, Equatable {
  /// The time for which a result answers repeats; `nil`: no limit.
  package var ttl: Duration?
  /// Most results in memory. Results that make room for others stay in the store.
  package var maxEntries = 1_000_000

  package init() {}
}

/// Registrations that have been accepted and have not ended.
package struct QueueSettings: Sendable, Equatable {
  /// Past it a request is refused with a clear error.
  package var maxEntries = 100_000
  /// The greatest age of a registration. An older one ends as failed; `nil`: no limit.
  package var maxAge: Duration? = .seconds(7 * 86_400)

  package init() {}
}

/// Where state is kept.
package struct StoreSettings: Sendable, Equatable {
  /// Absolute path of the SQLite database; `nil`: in the state directory.
  package var databasePath: String?

  package init() {}
}

/// What is logged, how and where.
package struct LogSettings: Sendable, Equatable {
  /// Severities of swift-log, from the most talkative.
  package enum Level: String, CaseIterable, Sendable {
    case trace
    case debug
    case info
    case notice
    case warning
    case error
    case critical
  }

  /// Where the log goes.
  package enum Destination: String, CaseIterable, Sendable {
    /// The journal where systemd runs the daemon, else standard error.
    case automatic = "auto"
    case journal
    case standardError = "stderr"
  }

  /// The form of the log on standard error.
  package enum Format: String, CaseIterable, Sendable {
    case text
    case json
  }

  /// Messages below this level are not written.
  package var level = Level.info
  /// Where the log goes.
  package var destination = Destination.automatic
  /// Whether repeats that are answered from memory have an entry in the audit trail.
  package var auditRepeats = false
  /// The form of the log on standard error; the journal has fields.
  package var format = Format.text

  package init() {}
}

/// Where a Prometheus scrape is answered.
package struct MetricsSettings: Sendable, Equatable {
  /// An address of the metrics server.
  package enum Listen: Hashable, Sendable {
    /// A loopback address (`127.0.0.0/8`, `::1` or `localhost`); the host without brackets.
    case tcp(host: String, port: Int)
    /// Absolute path of a Unix socket.
    case unix(path: String)
  }

  /// `nil`: off.
  package var listen: Listen?

  package init() {}
}
