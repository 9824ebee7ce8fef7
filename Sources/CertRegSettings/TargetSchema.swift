import CertRegCore

/// The `targets` section: one section of keys for each target's name.
enum TargetSchema {
  static let table = KeyTable<TargetConfiguration>(keys: [
    .optional(
      "region", \.region, .region,
      "Left out: `AWS_REGION`, `AWS_DEFAULT_REGION`, then the profile's or the instance's region."),
    .optional(
      "endpoint", \.endpoint, .httpURL,
      "Left out: `AWS_ENDPOINT_URL_IOT`, `AWS_ENDPOINT_URL`, then the region's own endpoint."),
    .value(
      "fips", \.fips, .boolean,
      "Use the region's FIPS endpoint. Left out: `AWS_USE_FIPS_ENDPOINT`. Not together with `endpoint`."),
    .value(
      "dualStack", \.dualStack, .boolean,
      "Use the region's IPv4 and IPv6 endpoint. Left out: `AWS_USE_DUALSTACK_ENDPOINT`. Not together with `endpoint`."),
    CredentialsSchema.credentials,
    .optional(
      "ratePerSecond", \.ratePerSecond, .number(0.001...100_000),
      "The account's quota, if it is known: the initial pace. Left out: 10 for AWS endpoints; others have no pace"
        + " until they throttle."),
    .optional(
      "maxRatePerSecond", \.maxRatePerSecond, .number(0.001...100_000),
      "Calls a second that are never passed, whatever the upstream takes: the rest of the quota is left to others on the"
        + " account. Left out: as many as the upstream takes."),
    .optional(
      "burst", \.burst, .number(1...1_000_000), "Most calls at once after a pause. Left out: 10 for AWS endpoints."),
    .value("maxConcurrent", \.maxConcurrent, .integer(1...1024), "Most calls under way at once."),
    .value(
      "connectTimeout", \.connectTimeout, .duration(.milliseconds(100) ... .seconds(300)),
      "Time limit for name resolution, TCP and TLS of a new connection."),
    .value(
      "requestTimeout", \.requestTimeout, .duration(.milliseconds(100) ... .seconds(600)),
      "Time limit of one call, from its start to the last byte of its answer."),
    .optional("proxy", \.proxy, .proxyURL, "Left out: `HTTPS_PROXY`, except for hosts of `NO_PROXY`."),
    .optional(
      "caFile", \.caFile, .path(),
      "PEM file of the authorities that the endpoint's certificate is checked against. Left out: `AWS_CA_BUNDLE`, else the"
        + " system's."),
    .value(
      "describeExisting", \.describeExisting, .boolean,
      "Ask for the status of certificates that exist already in AWS IoT, with DescribeCertificate."),
  ])

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
