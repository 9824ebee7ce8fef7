import CertRegCore
import CertRegTesting

@testable import CertRegSettings

extension SplitMix64 {
  /// Valid settings. The value of every key often differs from the default.
  mutating func settings() -> Settings {
    var settings = Settings()
    settings.socket = socket()
    settings.stateDirectory = path()
    let names = Set((0..<Int.random(in: 1...4, using: &self)).map { _ in word() })
    let profileNames = Set((0..<Int.random(in: 0...3, using: &self)).map { _ in word() }).subtracting(["none"])
    settings.provisioning = profileNames.sorted().map {
      ProvisioningProfile(name: $0, form: form())
    }
    let profiles = settings.provisioning.map(\.name)
    settings.targets = names.sorted().map { target($0) }
    for index in settings.targets.indices where !profiles.isEmpty {
      settings.targets[index].profile = maybe { $0.pick(profiles) }
    }
    settings.defaultTarget = pick(settings.targets).name
    settings.defaultStatus = maybe { $0.pick(CertificateStatus.allCases) }
    for policy in ValidationPolicy.allCases {
      settings.validation[policy] = pick([.allow, .reject, policy.defaultChoice])
    }
    settings.cache.ttl = maybe { $0.duration(.seconds(1), .days(3650)) }
    settings.cache.maxEntries = Int.random(in: 1...100_000_000, using: &self)
    settings.queue.maxAge = maybe { $0.duration(.seconds(60), .days(365)) }
    settings.queue.maxEntries = Int.random(in: 1...10_000_000, using: &self)
    settings.store.databasePath = maybe { "/" + $0.word() + "/certregd.db" }
    settings.access = maybe { $0.access(targets: names.sorted(), profiles: profiles) }
    settings.log.level = pick(LogSettings.Level.allCases)
    settings.log.destination = pick(LogSettings.Destination.allCases)
    settings.log.format = pick(LogSettings.Format.allCases)
    settings.log.auditRepeats = Bool.random(using: &self)
    settings.metrics.listen = maybe {
      let port = Int.random(in: 1...65_535, using: &$0)
      return $0.pick([.tcp(host: "127.0.0.1", port: port), .tcp(host: "::1", port: port), .unix(path: "/m/\(port)")])
    }
    settings.sandbox = Bool.random(using: &self)
    settings.drainTimeout = duration(.zero, .seconds(600))
    settings.defaultTimeout = duration(.milliseconds(1), .seconds(300))
    return settings
  }

  private mutating func socket() -> SocketSettings {
    var socket = SocketSettings()
    socket.path = "/" + word()
    socket.mode = UInt32.random(in: 0...0o777, using: &self)
    socket.group = word()
    socket.maxConnections = Int.random(in: 1...65_536, using: &self)
    socket.maxConnectionsPerUser = maybe { Int.random(in: 1...65_536, using: &$0) }
    socket.window = Int.random(in: 1...65_536, using: &self)
    socket.maxLineBytes = Int.random(in: 1024...(16 << 20), using: &self)
    socket.connectionBudgetBytes = Int.random(in: max(65_536, socket.maxLineBytes)...(1 << 30), using: &self)
    socket.memoryBudgetBytes = Int.random(in: socket.connectionBudgetBytes...(16 << 30), using: &self)
    socket.idleTimeout = maybe { $0.duration(.seconds(1), .days(30)) }
    return socket
  }

  private mutating func target(_ name: String) -> TargetConfiguration {
    var target = TargetConfiguration(name: TargetName(name))
    target.region = maybe { $0.pick(["eu-central-1", "us-gov-west-1", "no-1"]) }
    target.endpoint = maybe { $0.pick(["https://example.com:8443/a%20b", "http://[::1]:80"]) }
    if target.endpoint == nil {
      target.fips = maybe { Bool.random(using: &$0) }
      target.dualStack = maybe { Bool.random(using: &$0) }
    }
    let texts = (0..<4).map { _ in text() }
    let role = "arn:aws:iam::1:role/x"
    let anchor = "arn:aws:rolesanywhere:eu-west-1:1:trust-anchor/a"
    target.credentials = pick([
      .chain, .environment, .profile(name: texts[0], file: path()), .profile(name: nil, file: nil),
      .process(command: texts[1]), .container(uri: nil), .instanceMetadata(endpoint: "http://169.254.169.254"),
      .webIdentity(roleARN: role, tokenFile: path(), sessionName: nil),
      .assumeRole(roleARN: role, sourceProfile: texts[2], sessionName: "s@1", externalID: texts[3]),
      .iotProvider(
        endpoint: "c.example.com", roleAlias: "=a,b", thingName: "t:1", certificateFile: path(), privateKeyFile: path(),
        caFile: nil),
      .rolesAnywhere(
        trustAnchorARN: anchor, profileARN: anchor, roleARN: role, certificateFile: path(), privateKeyFile: path(),
        chainFile: path()),
    ])
    target.ratePerSecond = maybe { Double.random(in: 0.001...100_000, using: &$0) }
    if target.ratePerSecond == nil { target.asksForRate = Bool.random(using: &self) }
    let rate = target.ratePerSecond ?? 0.001
    target.maxRatePerSecond = maybe { Double.random(in: rate...100_000, using: &$0) }
    for operation in UpstreamOperation.allCases where operation != .registerCertificateWithoutCA {
      target.rates[operation] = maybe { Double.random(in: 0.001...100_000, using: &$0) }
    }
    target.burst = maybe { Double.random(in: 1...1_000_000, using: &$0).rounded() }
    target.maxConcurrent = Int.random(in: 1...1024, using: &self)
    target.connectTimeout = duration(.milliseconds(100), .seconds(300))
    target.requestTimeout = duration(.milliseconds(100), .seconds(600))
    target.proxy = maybe { _ in "http://proxy:3128" }
    target.caFile = maybe { $0.path() }
    target.describeExisting = Bool.random(using: &self)
    let absent: [(InheritedSetting, Bool)] = [
      (.region, target.region == nil), (.endpoint, target.endpoint == nil), (.fips, target.fips == nil),
      (.dualStack, target.dualStack == nil), (.ratePerSecond, target.ratePerSecond == nil && !target.asksForRate),
      (.proxy, target.proxy == nil), (.caFile, target.caFile == nil),
    ]
    for (setting, isAbsent) in absent where isAbsent && Bool.random(using: &self) {
      target.withoutValue.insert(setting)
    }
    return target
  }

  private mutating func form() -> ProvisioningProfile.Form {
    if Bool.random(using: &self) { return .template(ProvisioningProfile.Template(file: path())) }
    let thing: ProvisioningProfile.Thing? = maybe { random in
      ProvisioningProfile.Thing(
        name: placeholders(random.pick(["{deviceId}", "none", "{site}:{cn}", "0660"])),
        type: random.maybe { placeholders($0.pick(["null", "sensor-v2", "{type}"])) },
        attributes: Set(
          (0..<Int.random(in: 0...3, using: &random)).map { _ in random.pick(["site", "a.b", "#", "true"]) }
        )
        .sorted().map { .init(name: $0, value: placeholders(random.pick(["{site}", "[1]", "none", "a=b,c"]))) },
        groups: random.maybe { [placeholders($0.pick(["hall-7", "{site}", "yes"]))] } ?? [],
        isExclusive: Bool.random(using: &random))
    }
    let policies =
      thing == nil || Bool.random(using: &self) ? [pick(["sensor-policy", "none", "{policy}+x", "a@b"])] : []
    return .parts(thing: thing, policies: policies.map(placeholders), activatesLast: Bool.random(using: &self))
  }

  private mutating func access(targets: [String], profiles: [String]) -> AccessSettings {
    var access = AccessSettings()
    access.rules = (0..<Int.random(in: 1...3, using: &self)).map { _ in
      var rule = AccessRule()
      rule.user = pick([.any, .number(UInt32.random(in: 0..<(.max), using: &self)), .name("none"), .name("ann$")])
      rule.group = maybe { $0.pick([.number(0), .name("true"), .name("1a")]) }
      rule.unit = maybe { _ in "line@7.service" }
      rule.operations = maybe { [$0.pick(RequestOperation.allCases), .register] }
      rule.targets = maybe { [$0.pick(targets)] }
      if !profiles.isEmpty { rule.profiles = maybe { [$0.pick(profiles)] } }
      rule.requestsPerSecond = maybe { Double.random(in: 0.001...1000, using: &$0) }
      rule.queueShare = maybe { Double.random(in: 0.001...1, using: &$0) }
      return rule
    }
    return access
  }

  private mutating func duration(_ least: Duration, _ most: Duration) -> Duration {
    let range = least.milliseconds...most.milliseconds
    return .milliseconds(min(range.upperBound, range.lowerBound + magnitude(below: range.upperBound)))
  }

  private mutating func path() -> String { "/" + word() + "/" + text().filter { $0 != "/" } + "x" }

  /// A name. YAML readers misread some of the names.
  private mutating func word() -> String {
    pick(["none", "null", "true", "NO", "on", "1", "0660", "1e3", "0x1f", "line-7", "default", "a_b"])
  }

  /// Text with characters that have a meaning in YAML, are outside ASCII, or need an escape.
  private mutating func text() -> String {
    let pieces = [
      "a", "Z", "0", " ", "#", ": ", "- ", "'", "\"", "\\", "&x", "*x", "!", "%", "@", "`", "{", "]", ",", "?", "|",
      ">", "~",
      "ü", "日本", "🔑", "\u{2028}", "\u{202e}", "\u{a0}", "\u{10ffff}", "e\u{301}", "none",
    ]
    return (0..<Int.random(in: 1...6, using: &self)).map { _ in pick(pieces) }.joined()
  }
}
