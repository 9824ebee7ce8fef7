import CertRegCore
import CertRegSettings

/// Loads a configuration from texts: the file, the environment and the flags.
func load(
  _ file: String? = nil, environment: [String: String] = [:], arguments: SettingsOverrides = SettingsOverrides(),
  path: String = SettingsLoader.builtInConfigurationFile
) throws(SettingsError) -> LoadedSettings {
  try load(bytes: file.map { Array($0.utf8) }, environment: environment, arguments: arguments, path: path)
}

func load(
  bytes: [UInt8]?, environment: [String: String] = [:], arguments: SettingsOverrides = SettingsOverrides(),
  path: String = SettingsLoader.builtInConfigurationFile
) throws(SettingsError) -> LoadedSettings {
  let loader = SettingsLoader(environment: environment, arguments: arguments, workingDirectory: "/home/me") {
    (asked) throws(SettingsError) -> [UInt8]? in asked == path ? bytes : nil
  }
  return try loader.load()
}

/// The problems of a configuration file `/c.yaml`, one line each; empty if it loads.
func problems(_ file: String, environment: [String: String] = [:]) -> [String] {
  problems(bytes: Array(file.utf8), environment: environment)
}

func problems(bytes: [UInt8], environment: [String: String] = [:]) -> [String] {
  var arguments = SettingsOverrides()
  arguments.configurationFile = "/c.yaml"
  do {
    _ = try load(bytes: bytes, environment: environment, arguments: arguments, path: "/c.yaml")
    return []
  } catch {
    return error.problems.map(\.description)
  }
}

/// A text with placeholders; its braces have to be paired.
func placeholders(_ text: String) -> PlaceholderText {
  guard let parsed = try? PlaceholderText(text) else { preconditionFailure("the braces of \(text) are not paired") }
  return parsed
}
