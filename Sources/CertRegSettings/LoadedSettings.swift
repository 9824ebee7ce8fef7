/// An effective configuration, with where each value came from.
package struct LoadedSettings: Sendable, Equatable {
  /// The validated configuration.
  package var settings: Settings
  /// By path of the key (`socket.window`, `targets.default.region`, `access.rules[0].user`); all other keys have
  /// their default.
  package var origins: [String: SettingOrigin]
  /// Values that are allowed and seldom intended.
  package var warnings: [SettingsError.Problem]
  /// The file that was read; `nil`: there was none.
  package var configurationFile: String?

  package init(
    settings: Settings, origins: [String: SettingOrigin] = [:], warnings: [SettingsError.Problem] = [],
    configurationFile: String? = nil
  ) {
    self.settings = settings
    self.origins = origins
    self.warnings = warnings
    self.configurationFile = configurationFile
  }

  /// Where the value of a key came from.
  package func origin(of key: String) -> SettingOrigin {
    var path = key[...]
    while true {
      if let origin = origins[String(path)] { return origin }
      // A value inside a list or a provider's section came with it.
      guard let end = path.lastIndex(where: { $0 == "." || $0 == "[" }),
        path.contains("[") || path.contains(".credentials.")
      else { return .builtIn }
      path = path[..<end]
    }
  }

  /// The whole configuration as YAML that loads to the same settings, with the origin of each value beside it.
  package func yaml(version: String) -> String {
    var printer = ConfigurationPrinter { origin(of: $0).description }
    let source = configurationFile.map { escapedForTerminal($0) } ?? "none"
    return "# The effective configuration of certregd \(version). File: \(source)\n"
      + printer.text(of: Schema.root.encode(settings))
  }
}
