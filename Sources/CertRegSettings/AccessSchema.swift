/// The `access` section: a list of rules.
enum AccessSchema {
  static let rule = KeyTable<AccessRule>(keys: [
    .ifGiven("user", \.user, .account("user"), "The peer's user."),
    .ifGiven("group", \.group, .account("group"), "The peer's group, or one of its user's groups."),
    .ifGiven(
      "unit", \.unit, .name("a unit's name", 1...255, also: ":-_.\\@"), "The systemd unit that the peer runs in."),
    .list("operations", \.operations, of: .word(), "Operations that these peers may use. Left out: every operation."),
    .list("targets", \.targets, of: .targetName, "Targets that these peers may use. Left out: every target."),
    .list(
      "provision", \.profiles, of: .profileName,
      "Profiles of `provisioning` that these peers may use, also those of a target's own `provision`. Left out: every profile."
    ),
    .ifGiven(
      "requestsPerSecond", \.requestsPerSecond, .number(0.001...1_000_000),
      "Most requests a second of all these peers together."),
    .ifGiven("queueShare", \.queueShare, .share, "The part of `queue.maxEntries` that these peers may fill."),
  ])

  static let access = SettingKey<Settings>(name: "access") { node, path, settings, decoding in
    switch node.content {
    case .null, .explicitNone:
      // A section whose rules were commented out must not open the daemon to everybody.
      decoding.report(
        node.origin, path,
        "cannot be \(node.content == .null ? "empty" : "none"): leave the section out to let everybody who can connect do"
          + " everything, or write rules")
    case .scalar, .sequence, .mapping:
      var access = AccessSettings()
      section.decode(node, path, into: &access, &decoding)
      if access.rules.isEmpty {
        decoding.report(
          node.origin, path, "has no rules, so that nobody could use the daemon: add one, or leave the section out")
      }
      settings.access = access
    }
  } encode: { settings in
    settings.access.map { section.encode($0).content } ?? .null
  } describe: { path, _ in
    section.describe(path, defaults: AccessSettings())
  }

  private static let section = KeyTable<AccessSettings>(keys: [rules])

  private static let rules = SettingKey<AccessSettings>(name: "rules") { node, path, access, decoding in
    guard case .sequence(let items) = node.content else {
      if node.content != .null { decoding.report(node.origin, path, "takes a list of rules, not \(node.kind)") }
      return
    }
    access.rules = items.enumerated().map { index, item in
      var decodedRule = AccessRule()
      let rulePath = "\(path)[\(index)]"
      decoding.note(item.origin, rulePath)
      rule.decode(item, rulePath, into: &decodedRule, &decoding)
      checkMatch(decodedRule, item, rulePath, &decoding)
      return decodedRule
    }
  } encode: { access in
    .sequence(access.rules.map { rule.encode($0) })
  } describe: { path, _ in
    rule.describe("\(path)[]", defaults: AccessRule())
  }

  /// Reports a rule that names no peer. A rule whose `user`, `group` or `unit` has a problem of its own is reported
  /// once only.
  private static func checkMatch(
    _ decoded: AccessRule, _ item: ConfigurationNode, _ path: String, _ decoding: inout Decoding
  ) {
    guard decoded.user == nil, decoded.group == nil, decoded.unit == nil else { return }
    let named = ["user", "group", "unit"].contains { item[$0] != nil }
    if !named { decoding.report(item.origin, path, "names no user, group or unit; for everybody write user: \"*\"") }
  }
}
