import CertRegCore

/// The `targets` section: one section of keys for each target's name.
enum TargetSchema {
  static let table = KeyTable<TargetConfiguration>(keys: [
    inherited(
      .region, \.region, .region,
      "Left out: `AWS_REGION`, `AWS_DEFAULT_REGION`, then the profile's or the instance's region."),
    inherited(
      .endpoint, \.endpoint, .httpURL,
      "Left out: `AWS_ENDPOINT_URL_IOT`, `AWS_ENDPOINT_URL`, the profile's `endpoint_url`. `none`: the region's own"
        + " endpoint, as if none of them has a value."),
    inherited(
      .fips, \.fips, .boolean,
      "Use the FIPS endpoints of AWS IoT and of the services that the credentials come from. Left out:"
        + " `AWS_USE_FIPS_ENDPOINT`, then the profile's `use_fips_endpoint`; both leave a target's own `endpoint` alone."
        + " `true` is not possible together with `endpoint`."),
    inherited(
      .dualStack, \.dualStack, .boolean,
      "Use the IPv4 and IPv6 endpoints of the same services. Left out: `AWS_USE_DUALSTACK_ENDPOINT`, then the profile's"
        + " `use_dualstack_endpoint`; both leave a target's own `endpoint` alone. `true` is not possible together with"
        + " `endpoint`."),
    CredentialsSchema.credentials,
    inherited(
      .ratePerSecond, \.registrationRate, .registrationRate(rates),
      "The account's quota of RegisterCertificateWithoutCA, if it is known: the initial pace. `account`: as Service Quotas"
        + " says. Left out: 10 for AWS endpoints; others have no pace until they throttle. `none`: no endpoint has one."
    ),
    .optional(
      "maxRatePerSecond", \.maxRatePerSecond, .number(rates),
      "Registrations a second that are never passed, whatever the upstream takes: the rest of the quota is left to others on the"
        + " account. Left out: as many as the upstream takes."),
    .leftOut(
      "burst", \.burst, .number(1...1_000_000), "Most calls at once after a pause. Left out: 10."),
    .section("rates", \.rates, ratesOfOthers),
    .value("maxConcurrent", \.maxConcurrent, .integer(1...1024), "Most calls under way at once."),
    .value(
      "connectTimeout", \.connectTimeout, .duration(.milliseconds(100) ... .seconds(300)),
      "Time limit for name resolution, TCP and TLS of a new connection."),
    .value(
      "requestTimeout", \.requestTimeout, .duration(.milliseconds(100) ... .seconds(600)),
      "Time limit of one call, from its start to the last byte of its answer."),
    inherited(
      .proxy, \.proxy, .proxyURL,
      "Proxy to AWS IoT and to the services that the credentials come from; metadata and containers' endpoints on this"
        + " host are reached without it. Left out: `HTTPS_PROXY`, except for hosts of `NO_PROXY`. `none`: no proxy."),
    inherited(
      .caFile, \.caFile, .path(),
      "PEM file of the authorities that the certificates of the endpoint and of the services that the credentials come from"
        + " are checked against. Left out: `AWS_CA_BUNDLE`, then the profile's `ca_bundle`. `none`: the system's."),
    .value(
      "describeExisting", \.describeExisting, .boolean,
      "Ask for the status of certificates that exist already in AWS IoT, with DescribeCertificate."),
    .optional(
      "provision", \.profile, .profileName,
      "Profile of `provisioning` for requests that name none. `none`: their certificates are only registered."),
  ])

  /// Calls a second.
  private static let rates = 0.001...100_000.0

  /// The keys of `rates`: the other calls, each with a pace of its own.
  private static let ratesOfOthers = KeyTable<[UpstreamOperation: Double]>(
    keys: UpstreamOperation.allCases.filter { $0 != .registerCertificateWithoutCA }.map { operation in
      .leftOut(
        operation.rawValue.prefix(1).lowercased() + operation.rawValue.dropFirst(), \.[operation], .number(rates),
        "Initial pace of \(operation.rawValue) in calls a second. Left out: \(formatNumber(operation.defaultQuota)) for AWS"
          + " endpoints; others have no pace until they throttle.")
    })

  /// A key that something fills if it is left out. `none` says that nothing does.
  private static func inherited<Value>(
    _ setting: InheritedSetting, _ property: any WritableKeyPath<TargetConfiguration, Value?> & Sendable,
    _ form: ValueForm<Value>, _ documentation: String
  ) -> SettingKey<TargetConfiguration> {
    var key = SettingKey.leftOut(setting.rawValue, property, form, documentation)
    key.decode = { node, path, target, decoding in
      switch node.content {
      case .null: return
      case .explicitNone:
        decoding.note(node.origin, path)
        target[keyPath: property] = nil
        target.withoutValue.insert(setting)
      case .scalar, .sequence, .mapping:
        guard let value = decoding.read(node, path, form) else { return }
        target[keyPath: property] = value
        if EnvironmentVariables.isOfSDKs(node.origin) { target.fromSDKVariables.insert(setting) }
      }
    }
    key.encode = { target in
      if let value = target[keyPath: property] { return .scalar(form.format(value)) }
      return target.withoutValue.contains(setting) ? .explicitNone : .null
    }
    key.describe = { path, _ in
      [
        KeyDescription(
          path: path, type: form.name + ", or `none`", defaultText: "left out", documentation: documentation,
          variable: EnvironmentVariables.name(ofKey: path), takesEffectAtReload: true, role: form.role)
      ]
    }
    return key
  }

  static let targets = SettingKey<Settings>(name: "targets") { node, path, settings, decoding in
    let (members, decoded) = decode(node, path, &decoding)
    if members > 0 { settings.targets = decoded.sorted { $0.name.rawValue < $1.name.rawValue } }
  } encode: { settings in
    .mapping(
      settings.targets.map { target in
        ConfigurationNode.Member(key: target.name.rawValue, keyOrigin: .builtIn, value: table.encode(target))
      })
  } describe: { path, _ in
    table.describe("\(path).NAME", defaults: TargetConfiguration(name: TargetName("default")))
  }

  private static func decode(
    _ node: ConfigurationNode, _ path: String, _ decoding: inout Decoding
  ) -> (members: Int, targets: [TargetConfiguration]) {
    switch node.content {
    case .null: return (0, [])
    case .explicitNone, .scalar, .sequence:
      decoding.report(
        node.origin, path, "takes a section with a section of keys for each target's name, not \(node.kind)")
      return (0, [])
    case .mapping(let members):
      decoding.note(node.origin, path)
      let targets = members.compactMap { decode($0, path, &decoding) }
      return (members.count, targets)
    }
  }

  private static func decode(
    _ member: ConfigurationNode.Member, _ path: String, _ decoding: inout Decoding
  ) -> TargetConfiguration? {
    let targetPath = "\(path).\(member.key)"
    do {
      let name = try ValueForm<String>.targetName.parse(member.key)
      decoding.note(member.keyOrigin, targetPath)
      var target = TargetConfiguration(name: TargetName(name))
      table.decode(member.value, targetPath, into: &target, &decoding)
      return target
    } catch {
      let isKey = table.keys.contains { $0.name == member.key }
      decoding.report(
        member.keyOrigin, targetPath, error.message,
        suggestion: isKey ? "\(path).default.\(member.key)" : error.suggestion)
      return nil
    }
  }
}

extension TargetConfiguration {
  /// `ratePerSecond` as it is written; `nil`: left out or `none`.
  fileprivate var registrationRate: RegistrationRate? {
    get { asksForRate ? .account : ratePerSecond.map { .number($0) } }
    set {
      switch newValue {
      case .account: (asksForRate, ratePerSecond) = (true, nil)
      case .number(let rate): (asksForRate, ratePerSecond) = (false, rate)
      case nil: (asksForRate, ratePerSecond) = (false, nil)
      }
    }
  }
}
