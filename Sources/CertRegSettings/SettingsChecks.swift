import CertRegCore

/// Checks of several keys together: limits that depend on one another, names that have to exist.
enum SettingsChecks {
  static func check(_ settings: Settings, _ decoding: inout Decoding) {
    checkBudgets(settings.socket, &decoding)
    for target in settings.targets {
      checkEndpoint(target, &decoding)
      checkRates(target, &decoding)
    }
    checkNames(settings, &decoding)
    if case .unix(let path)? = settings.metrics.listen, path == settings.socket.path {
      decoding.report(decoding.nearestOrigin(of: "metrics.listen"), "metrics.listen", "is the daemon's own socket")
    }
  }

  private static func checkBudgets(_ socket: SocketSettings, _ decoding: inout Decoding) {
    ordered(
      ("socket.maxLineBytes", socket.maxLineBytes), ("socket.connectionBudgetBytes", socket.connectionBudgetBytes),
      "a connection could not hold its longest line", &decoding)
    ordered(
      ("socket.connectionBudgetBytes", socket.connectionBudgetBytes),
      ("socket.memoryBudgetBytes", socket.memoryBudgetBytes),
      "one connection would have more than all of them", &decoding)
  }

  /// Reports the key that was set where `smaller` is larger than `larger`.
  private static func ordered(
    _ smaller: (key: String, value: Int), _ larger: (key: String, value: Int), _ reason: String,
    _ decoding: inout Decoding
  ) {
    guard smaller.value > larger.value else { return }
    let blamed = decoding.origins[larger.key] != nil ? larger.key : smaller.key
    decoding.report(
      decoding.nearestOrigin(of: blamed), blamed,
      "\(smaller.key) (\(formatSize(smaller.value))) is larger than \(larger.key) (\(formatSize(larger.value))): \(reason)"
    )
  }

  /// The endpoint rules of IoT take FIPS and dual stack for ways to build the endpoint, which a given one excludes.
  private static func checkEndpoint(_ target: TargetConfiguration, _ decoding: inout Decoding) {
    guard target.endpoint != nil else { return }
    let path = "targets.\(target.name)"
    let endpoint = decoding.nearestOrigin(of: "\(path).endpoint")
    for (key, isOn) in [("fips", target.fips), ("dualStack", target.dualStack)] where isOn == true {
      decoding.report(
        decoding.nearestOrigin(of: "\(path).\(key)"), "\(path).\(key)",
        "cannot be true for a target with an endpoint of its own (from \(endpoint)): name the FIPS or dual-stack endpoint there"
      )
    }
  }

  private static func checkRates(_ target: TargetConfiguration, _ decoding: inout Decoding) {
    guard let rate = target.ratePerSecond, let bound = target.maxRatePerSecond, rate > bound else { return }
    let key = "targets.\(target.name).ratePerSecond"
    decoding.report(
      decoding.nearestOrigin(of: key), key,
      "is above maxRatePerSecond, which is never passed: lower it, or leave it out")
  }

  /// Reports targets and profiles that are named and do not exist.
  private static func checkNames(_ settings: Settings, _ decoding: inout Decoding) {
    var targets = KnownNames(kind: "targets", names: settings.targets.map(\.name.rawValue))
    var profiles = KnownNames(kind: "profiles of provisioning", names: settings.provisioning.map(\.name))
    for target in settings.targets {
      if let profile = target.profile { profiles.check(profile, "targets.\(target.name).provision", &decoding) }
    }
    for (index, rule) in (settings.access?.rules ?? []).enumerated() {
      for (item, target) in (rule.targets ?? []).enumerated() {
        targets.check(target, "access.rules[\(index)].targets[\(item)]", &decoding)
      }
      for (item, profile) in (rule.profiles ?? []).enumerated() {
        profiles.check(profile, "access.rules[\(index)].provision[\(item)]", &decoding)
      }
    }
  }

  /// Names that others refer to.
  private struct KnownNames {
    private let kind: String
    private let names: [String]
    private let known: Set<String>
    /// The search for a suggestion looks at every name, so that thousands of problems take quadratic time.
    private var suggestionsLeft = 20

    init(kind: String, names: [String]) {
      self.kind = kind
      self.names = names
      known = Set(names)
    }

    mutating func check(_ name: String, _ key: String, _ decoding: inout Decoding) {
      if known.contains(name) { return }
      suggestionsLeft -= 1
      decoding.report(
        decoding.nearestOrigin(of: key), key,
        "\(quoted(name)) is none of the \(kind) \(names.isEmpty ? "(there are none)" : list(names))",
        suggestion: suggestionsLeft < 0 ? nil : Suggestion.nearest(to: name, among: names))
    }
  }

  /// The first of the names, for a message.
  static func list(_ names: [String]) -> String {
    let shown = names.prefix(16).joined(separator: ", ")
    return names.count > 16 ? "\(shown) and \(names.count - 16) more" : shown
  }
}

// MARK: What is allowed and seldom meant

extension SettingsChecks {
  static func warnings(_ settings: Settings, _ decoding: Decoding) -> [SettingsError.Problem] {
    var warnings: [SettingsError.Problem] = []
    func warn(_ key: String, _ message: String) {
      warnings.append(SettingsError.Problem(origin: decoding.nearestOrigin(of: key), key: key, message: message))
    }
    if settings.socket.mode & 0o002 != 0, settings.access == nil {
      warn("socket.mode", "everybody on this host may connect and, with no access section, do everything")
    }
    for target in settings.targets {
      let key = "targets.\(target.name).endpoint"
      guard let endpoint = target.endpoint,
        let address = try? WebAddress.parse(endpoint, schemes: ["http"], written: endpoint),
        !isLoopback(address.host)
      else { continue }
      warn(key, "is plain HTTP to another host: nothing hides or protects the certificates and signatures on the way")
    }
    for profile in settings.provisioning {
      for name in profile.attributeNames {
        guard let meant = builtin(like: name) else { continue }
        warn(
          "provisioning.\(profile.name)",
          "{\(shown(name, limit: 60))} takes an attribute of the request; {\(meant)} is another placeholder")
      }
    }
    if settings.sandbox, settings.targets.contains(where: { $0.endpoint != nil }) {
      warn("sandbox", "is on, so that no target's endpoint is used")
    }
    return warnings
  }

  /// The placeholder of every profile that has the same name but for case, `_` and `-`.
  private static func builtin(like name: String) -> String? {
    func folded(_ text: String) -> String { text.lowercased().filter { $0 != "_" && $0 != "-" } }
    return ProvisioningProfile.Builtin.allCases.map(\.rawValue).first { folded($0) == folded(name) }
  }
}
