import CertRegCore

/// Combines the defaults, the file, the environment and the command line.
///
/// Later sources win: built-in default; the folders of `$RUNTIME_DIRECTORY` and `$STATE_DIRECTORY`, which are systemd's
/// defaults for the socket and the state; the file; `CERTREGD_*` variables; flags. The AWS SDKs' own variables
/// (`AWS_REGION`, `AWS_ENDPOINT_URL` and others) fill what a target leaves out after all of that.
package struct SettingsLoader: Sendable {
  /// The file that is read if none is named; it may be absent.
  package static let builtInConfigurationFile = "/etc/certregd/config.yaml"

  private let environment: [String: String]
  private let arguments: SettingsOverrides
  private let workingDirectory: String
  let readFile: @Sendable (String) throws(SettingsError) -> [UInt8]?

  /// - Parameters:
  ///   - environment: the process's variables.
  ///   - arguments: the settings that flags name.
  ///   - workingDirectory: absolute; relative paths of variables and flags count from it.
  ///   - readFile: the bytes of the file at an absolute path; `nil` if there is none. Throws why it cannot be read.
  package init(
    environment: [String: String], arguments: SettingsOverrides, workingDirectory: String,
    readFile: @escaping @Sendable (String) throws(SettingsError) -> [UInt8]?
  ) {
    self.environment = environment
    self.arguments = arguments
    self.workingDirectory = workingDirectory
    self.readFile = readFile
  }

  /// The effective configuration. Reads the file anew each time.
  ///
  /// - Parameter inForce: The configuration that the new one takes the place of; `nil` at the start. If it has rules of
  ///   access and its file is gone or has no key now, that is an error: a file system that is not mounted or a pipe
  ///   that was read once must not open the daemon to everybody. Other files without rules are taken, with a warning.
  /// - Throws: everything that is wrong; a file that is not YAML hides what else is wrong with it.
  package func load(replacing inForce: LoadedSettings? = nil) throws(SettingsError) -> LoadedSettings {
    let (path, origin) = configurationFile()
    var tree = ConfigurationNode(.null)
    var decoding = Decoding()
    let bytes = try readFile(path)
    if let bytes {
      (tree, decoding.problems) = try ConfigurationReader.read(bytes, path: path)
    } else if origin != .builtIn {
      let problem = SettingsError.Problem(
        origin: origin, key: "", message: "there is no file \(quoted(path, limit: 4096))")
      throw SettingsError(problems: [problem])
    }
    let hadRules = inForce?.settings.access != nil
    if hadRules, let path = inForce?.configurationFile, tree.members.isEmpty {
      let problem = SettingsError.Problem(
        origin: .file(path: path, line: nil, column: nil), key: "",
        message:
          "the file \(bytes == nil ? "is gone" : "has no key"), so a reload would remove its access rules: restore the "
          + "file, or restart certregd to run without rules")
      throw SettingsError(problems: [problem])
    }
    overlay(&tree)
    var settings = Settings()
    Schema.root.decode(tree, "", into: &settings, &decoding)
    chooseDefaultTarget(&settings, &decoding)
    SettingsChecks.check(settings, &decoding)
    let problems = decoding.problems.sorted { SettingsLoader.rank($0) < SettingsLoader.rank($1) }
    if !problems.isEmpty { throw SettingsError(problems: problems) }
    var warnings = warnings(settings, decoding)
    if hadRules, settings.access == nil {
      warnings.insert(
        SettingsError.Problem(
          origin: .file(path: path, line: nil, column: nil), key: "access",
          message: "the rules are gone from the configuration: everybody who can connect may do everything now"), at: 0)
    }
    return LoadedSettings(
      settings: settings, origins: decoding.origins, warnings: warnings, configurationFile: bytes == nil ? nil : path)
  }

  /// The file to read and the origin of its path; with `.builtIn` the file may be absent.
  private func configurationFile() -> (path: String, origin: SettingOrigin) {
    if let path = arguments.configurationFile { return (absolute(path), .flag(SettingsOverrides.configurationFlag)) }
    let variable = EnvironmentVariables.configurationFile
    if let path = EnvironmentVariables.value(variable, in: environment) { return (absolute(path), .variable(variable)) }
    let folder = systemdDirectory("CONFIGURATION_DIRECTORY")
    return (folder.map { "\($0)/config.yaml" } ?? Self.builtInConfigurationFile, .builtIn)
  }

  /// systemd lists the folders of a unit separated by colons; the first is the program's own.
  private func systemdDirectory(_ variable: String) -> String? {
    let first = environment[variable]?.split(separator: ":").first.map { String($0) }
    return first.flatMap { $0.hasPrefix("/") ? $0 : nil }
  }

  private func absolute(_ path: String) -> String {
    if path.hasPrefix("/") || path.isEmpty { return path }
    let folder = workingDirectory.hasSuffix("/") ? String(workingDirectory.dropLast()) : workingDirectory
    return "\(folder)/\(path.hasPrefix("./") ? String(path.dropFirst(2)) : path)"
  }

  /// Lines of the file come first and in order, then variables, then flags.
  private static func rank(_ problem: SettingsError.Problem) -> (Int, Int, Int) {
    switch problem.origin {
    case .file(_, let line, let column): (0, line ?? 0, column ?? 0)
    case .builtIn: (1, 0, 0)
    case .variable: (2, 0, 0)
    case .flag: (3, 0, 0)
    }
  }
}

// MARK: Laying sources over one another

extension SettingsLoader {
  private func overlay(_ tree: inout ConfigurationNode) {
    for (section, key) in Schema.shorthands {
      guard let node = tree[section] else { continue }
      switch node.content {
      case .scalar, .sequence: tree.set([section], to: ConfigurationNode(.null, origin: node.origin).with(key, node))
      case .null, .explicitNone, .mapping: continue
      }
    }
    fill("socket.path", systemdDirectory("RUNTIME_DIRECTORY").map { "\($0)/certregd.sock" }, "RUNTIME_DIRECTORY", &tree)
    fill("stateDirectory", systemdDirectory("STATE_DIRECTORY"), "STATE_DIRECTORY", &tree)
    // The keys outside targets first: one of them says which target is the default.
    let overrides = variableOverrides() + flagOverrides()
    for override in overrides where !override.path.hasPrefix(EnvironmentVariables.targetPath) {
      tree.set(components(override.path), to: override.value)
    }
    for override in overrides where override.path.hasPrefix(EnvironmentVariables.targetPath) {
      guard let target = overridableTarget(tree) else { continue }
      let key = String(override.path.dropFirst(EnvironmentVariables.targetPath.count))
      tree.set(["targets", target] + components(key), to: override.value)
    }
    fillTargetsFromAWSVariables(&tree)
  }

  /// Sets a key that has no value yet.
  private func fill(_ path: String, _ value: String?, _ variable: String, _ tree: inout ConfigurationNode) {
    guard let value, tree.value(at: components(path)) == nil else { return }
    tree.set(components(path), to: ConfigurationNode(.scalar(value), origin: .variable(variable)))
  }

  private func components(_ path: String) -> ArraySlice<String> {
    path.split(separator: ".").map { String($0) }[...]
  }

  private func variableOverrides() -> [(path: String, value: ConfigurationNode)] {
    Schema.keys.compactMap { key in
      guard let name = key.variable, let text = EnvironmentVariables.value(name, in: environment) else { return nil }
      return (key.path, node(text, .variable(name), key.role))
    }
  }

  private func flagOverrides() -> [(path: String, value: ConfigurationNode)] {
    arguments.keys.compactMap { path, flag, text in
      guard let text else { return nil }
      let role = Schema.keys.first { $0.path == path }?.role ?? .other
      return (path, node(text, .flag(flag), role))
    }
  }

  private func node(_ text: String, _ origin: SettingOrigin, _ role: ValueRole) -> ConfigurationNode {
    let content: ConfigurationNode.Content =
      switch (role, text) {
      case (_, "none"): .explicitNone
      case (.boolean, "1"): .scalar("true")
      case (.boolean, "0"): .scalar("false")
      case (.path, _): .scalar(absolute(text))
      default: .scalar(text)
      }
    return ConfigurationNode(content, origin: origin)
  }

  /// The target that variables and flags mean: one that the configuration has. `nil` if it is not clear, which is a
  /// problem that the choice of the default target reports.
  private func overridableTarget(_ tree: ConfigurationNode) -> String? {
    let names = targetNames(tree)
    if case .scalar(let name)? = tree["defaultTarget"]?.content { return names.contains(name) ? name : nil }
    return SettingsLoader.impliedDefaultTarget(among: names)
  }

  private func targetNames(_ tree: ConfigurationNode) -> [String] {
    let names = tree["targets"]?.members.map(\.key) ?? []
    return names.isEmpty ? ["default"] : names
  }

  private static func impliedDefaultTarget(among names: [String]) -> String? {
    names.count == 1 ? names.first : names.first { $0 == "default" }
  }

  private func fillTargetsFromAWSVariables(_ tree: inout ConfigurationNode) {
    let ignoresEndpoints = environment["AWS_IGNORE_CONFIGURED_ENDPOINT_URLS"]?.lowercased() == "true"
    let sources: [(key: String, variables: [String])] = [
      ("region", ["AWS_REGION", "AWS_DEFAULT_REGION"]),
      ("endpoint", ignoresEndpoints ? [] : ["AWS_ENDPOINT_URL_IOT", "AWS_ENDPOINT_URL"]),
      ("fips", ["AWS_USE_FIPS_ENDPOINT"]),
      ("dualStack", ["AWS_USE_DUALSTACK_ENDPOINT"]),
      ("caFile", ["AWS_CA_BUNDLE"]),
    ]
    let found: [(key: String, value: ConfigurationNode)] = sources.compactMap { key, variables in
      for name in variables {
        guard let text = EnvironmentVariables.value(name, in: environment) else { continue }
        return (key, node(text, .variable(name), key == "caFile" ? .path : .other))
      }
      return nil
    }
    guard !found.isEmpty else { return }
    if tree["targets"]?.members.isEmpty ?? true {
      var target = ConfigurationNode(.null, origin: found[0].value.origin)
      SettingsLoader.fill(&target, with: found)
      tree.set(["targets", "default"], to: target)
      return
    }
    // All targets in one pass: to look up each of thousands by its name takes quadratic time.
    tree.changeMembers(of: "targets") { SettingsLoader.fill(&$0, with: found) }
  }

  /// Fills what a target leaves out.
  private static func fill(_ target: inout ConfigurationNode, with found: [(key: String, value: ConfigurationNode)]) {
    for (key, value) in found where target.value(at: [key]) == nil {
      // The flags choose among the region's endpoints. A host that is set up for FIPS may have other targets, too.
      if key == "fips" || key == "dualStack", case .scalar? = target["endpoint"]?.content { continue }
      target.set([key], to: value)
    }
  }
}

// MARK: What follows from the whole

extension SettingsLoader {
  private func chooseDefaultTarget(_ settings: inout Settings, _ decoding: inout Decoding) {
    let names = settings.targets.map(\.name.rawValue)
    let key = "defaultTarget"
    if let origin = decoding.origins[key] {
      if names.contains(settings.defaultTarget.rawValue) { return }
      decoding.report(
        origin, key,
        "\(quoted(settings.defaultTarget.rawValue)) is none of the targets \(SettingsChecks.list(names))",
        suggestion: Suggestion.nearest(to: settings.defaultTarget.rawValue, among: names))
    } else if let name = SettingsLoader.impliedDefaultTarget(among: names) {
      settings.defaultTarget = .init(name)
    } else if !decoding.problems.all.contains(where: { $0.key == key || $0.key.hasPrefix("targets") }) {
      decoding.report(
        decoding.nearestOrigin(of: "targets"), key,
        "is needed: there are \(names.count) targets and none is named \"default\"; name one of \(SettingsChecks.list(names))"
      )
    }
  }

  private func warnings(_ settings: Settings, _ decoding: Decoding) -> [SettingsError.Problem] {
    let known = Set(Schema.keys.compactMap(\.variable) + [EnvironmentVariables.configurationFile])
    let unknown = environment.keys.filter { $0.hasPrefix(EnvironmentVariables.prefix) && !known.contains($0) }.sorted()
    return unknown.map { name in
      SettingsError.Problem(
        origin: .variable(name), key: "", message: "no key of the configuration has this variable",
        suggestion: EnvironmentVariables.shortName(for: name) ?? Suggestion.nearest(to: name, among: known.sorted()))
    } + unusedFIPS(settings) + SettingsChecks.warnings(settings, decoding)
  }

  /// A host that is set up for FIPS expects it of every connection.
  private func unusedFIPS(_ settings: Settings) -> [SettingsError.Problem] {
    let variable = "AWS_USE_FIPS_ENDPOINT"
    guard environment[variable]?.lowercased() == "true" else { return [] }
    let names = settings.targets.filter { $0.endpoint != nil && $0.fips == nil }.map(\.name.rawValue)
    guard !names.isEmpty else { return [] }
    return [
      SettingsError.Problem(
        origin: .variable(variable), key: "",
        message: "does not concern the endpoint of \(SettingsChecks.list(names)), which is used as it is written")
    ]
  }
}

extension ConfigurationNode {
  /// The node with a member more.
  fileprivate func with(_ key: String, _ value: ConfigurationNode) -> ConfigurationNode {
    var node = self
    node.set([key], to: value)
    return node
  }
}
