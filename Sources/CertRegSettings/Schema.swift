import CertRegCore

/// Every key of the configuration. Reading, printing, the names of variables, the finding of slips and the check of the
/// documentation all go by these tables.
enum Schema {
  /// The whole configuration.
  static let root = KeyTable<Settings>(keys: [
    .section("socket", \.socket, socket),
    .value(
      "stateDirectory", \.stateDirectory, .path(),
      "Folder for the queue, the results and the lock. Default: `$STATE_DIRECTORY` where systemd sets it.",
      atReload: false),
    ProvisioningSchema.provisioning,
    TargetSchema.targets,
    .value(
      "defaultTarget", \.defaultTarget, .targetNameValue,
      "Target of requests that name none. Left out: the only target, or the one named `default`."),
    .optional("defaultStatus", \.defaultStatus, .word(), "Status for requests that name none."),
    .section("validation", \.validation, validation),
    .section("cache", \.cache, cache),
    .section("queue", \.queue, queue),
    .section("store", \.store, store),
    .section("fleet", \.fleet, fleet),
    AccessSchema.access,
    .section("log", \.log, log),
    .section("metrics", \.metrics, metrics),
    .value(
      "sandbox", \.sandbox, .boolean,
      "Register with an upstream inside the process: no account, no network, no pace unless one is configured.",
      atReload: false),
    .value(
      "drainTimeout", \.drainTimeout, .duration(.zero ... .seconds(600)),
      "Time for work under way to end after SIGTERM. Unfinished registrations stay in the queue."),
    .value(
      "defaultTimeout", \.defaultTimeout, .duration(.milliseconds(1) ... .seconds(300)),
      "Waiting time of requests without `timeoutMs`."),
  ])

  /// All keys, `provisioning.NAME`, `targets.NAME` and `access.rules[]` once each.
  static let keys: [KeyDescription] = root.describe("", defaults: Settings())

  /// Sections that may be written as the value of one of their keys.
  static let shorthands = ["store": "url", "access": "rules"]

  private static let socket = KeyTable<SocketSettings>(keys: [
    .value(
      "path", \.path, .socketPath,
      "The listening socket, unless systemd passes one. Default: `certregd.sock` in `$RUNTIME_DIRECTORY` where systemd sets it.",
      atReload: false),
    .value("mode", \.mode, .fileMode, "Permissions of the socket, which decide who may connect.", atReload: false),
    .value("group", \.group, .accountNameOrNumber, "Group that owns the socket.", atReload: false),
    .value(
      "maxConnections", \.maxConnections, .integer(1...65_536),
      "Limit of open connections.", atReload: false),
    .leftOut(
      "maxConnectionsPerUser", \.maxConnectionsPerUser, .integer(1...65_536),
      "Limit of open connections of one user. Left out: half of all, so that no user can take every connection. `none`:"
        + " 65,536, which is no limit.",
      none: 65_536, atReload: false),
    .value("window", \.window, .integer(1...65_536), "Most requests of one connection that run at the same time."),
    .value(
      "maxLineBytes", \.maxLineBytes, .size(1024...(16 << 20)),
      "Longest line in bytes, not counting its LF. A longer one gets an error and the connection is closed."),
    .optional(
      "idleTimeout", \.idleTimeout, .duration(.seconds(1) ... .days(30)),
      "Time after which a connection without requests under way and without unread answers is closed."),
    .value(
      "connectionBudgetBytes", \.connectionBudgetBytes, .size(65_536...(1 << 30)),
      "Most bytes of requests under way of one connection; past them the daemon stops reading from it."
        + " Not below `maxLineBytes`."),
    .value(
      "memoryBudgetBytes", \.memoryBudgetBytes, .size(65_536...(16 << 30)),
      "The same for all connections together, with unread answers. Not below `connectionBudgetBytes`.", atReload: false),
  ])

  private static let validation = KeyTable<ValidationPolicies>(
    keys: ValidationPolicy.allCases.map { policy in
      .value(
        policy.rawValue, \.[policy], .word(choices(of: policy)), ValidationDocumentation.text(of: policy))
    })

  /// What a policy may be set to: the two words of every policy and, where its default is another, that one.
  private static func choices(of policy: ValidationPolicy) -> [PolicyChoice] {
    [.allow, .reject] + ([.allow, .reject].contains(policy.defaultChoice) ? [] : [policy.defaultChoice])
  }

  private static let cache = KeyTable<CacheSettings>(keys: [
    .optional(
      "ttl", \.ttl, .duration(.seconds(1) ... .days(3650)),
      "Time for which a result answers repeats; after that the upstream is asked again."),
    .value(
      "maxEntries", \.maxEntries, .integer(1...100_000_000),
      "Limit of results in memory; results that make room for others stay in the store.", atReload: false),
  ])

  private static let queue = KeyTable<QueueSettings>(keys: [
    .value(
      "maxEntries", \.maxEntries, .integer(1...10_000_000),
      "Limit of registrations in the queue; a certificate above 2 KiB counts once for each 2 KiB. If the queue is full,"
        + " requests are refused; nothing is dropped."
    ),
    .optional(
      "maxAge", \.maxAge, .duration(.seconds(60) ... .days(365)),
      "Requests that wait longer end as failed, which `watch` and the log show, and of registrations `lookup`."),
  ])

  private static let store = KeyTable<StoreSettings>(keys: [
    .value(
      "url", \.databasePath, .storeURL,
      "Store of the state. `sqlite` is a database in the state directory. `store: URL` may be written for short.",
      atReload: false)
  ])

  private static let fleet = KeyTable<FleetSettings>(keys: [
    .optional(
      "url", \.url, .fleetURL,
      "PostgreSQL database that the hosts of one account have in common, as libpq reads it:"
        + " `postgresql://[user@]host[:port][,host…]/database[?options]`. It may not have a password. A host other than this"
        + " machine means `sslmode=verify-full` unless it has `sslmode`. Off unless set.",
      atReload: false),
    .optional(
      "member", \.member, .fleetMember, "Name of this host in the fleet. Left out: the host name.", atReload: false),
    .optional(
      "passwordFile", \.passwordFile, .path(),
      "File with the password of the database's user on one line, with mode 0600 or stricter.", atReload: false),
    .value(
      "takeover", \.takeover, .duration(.seconds(2) ... .days(30)),
      "Time without a sign of life after which the other hosts finish this host's queue.", atReload: false),
  ])

  private static let log = KeyTable<LogSettings>(keys: [
    .value("level", \.level, .word(), "Lowest severity to log."),
    .value(
      "destination", \.destination, .word(),
      "`auto` is the journal where systemd runs the daemon, else standard error.", atReload: false),
    .value("format", \.format, .word(), "Format of lines on standard error; the journal gets fields.", atReload: false),
    .value(
      "auditRepeats", \.auditRepeats, .boolean,
      "Write an entry of the audit trail for repeats that are answered from the cache, too. This makes them slower."),
  ])

  private static let metrics = KeyTable<MetricsSettings>(keys: [
    .optional(
      "listen", \.listen, .metricsListen,
      "Address that answers Prometheus scrapes over HTTP. Off unless set.",
      atReload: false)
  ])
}

extension Duration {
  static func days(_ days: Int64) -> Duration { .seconds(days * 86_400) }
}

extension ValueForm<TargetName> {
  static let targetNameValue = ValueForm(name: "name of a target") { (text) throws(ValueProblem) -> TargetName in
    TargetName(try ValueForm<String>.targetName.parse(text))
  } format: {
    $0.rawValue
  }
}
