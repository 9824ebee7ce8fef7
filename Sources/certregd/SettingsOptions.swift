import ArgumentParser
import CertRegSettings
import Glibc

/// The flags that override settings.
struct SettingsOptions: ParsableArguments {
  @Option(name: .customLong("config"), help: ArgumentHelp("Configuration file (YAML).", valueName: "file"))
  var configurationFile: String?

  @Option(
    name: .customLong("socket"),
    help: ArgumentHelp("Listening socket (default: /run/certregd/certregd.sock).", valueName: "path"))
  var socketPath: String?

  @Option(
    name: .customLong("state-dir"),
    help: ArgumentHelp("Folder of the queue and the results (default: /var/lib/certregd).", valueName: "dir"))
  var stateDirectory: String?

  @Flag(help: "Register with an upstream inside this process: no account, no network.")
  var sandbox = false

  @Option(help: ArgumentHelp("AWS region of the default target.", valueName: "region"))
  var region: String?

  @Option(
    name: .customLong("endpoint-url"),
    help: ArgumentHelp("Endpoint of the default target, in place of the region's.", valueName: "url"))
  var endpointURL: String?

  @Option(name: .customLong("log-level"), help: ArgumentHelp("Lowest severity to log.", valueName: "level"))
  var logLevel: LogSettings.Level?

  /// A loader for this process: its environment, working directory and files.
  func loader() -> SettingsLoader {
    var overrides = SettingsOverrides()
    overrides.configurationFile = configurationFile
    overrides.socketPath = socketPath
    overrides.stateDirectory = stateDirectory
    overrides.sandbox = sandbox
    overrides.region = region
    overrides.endpointURL = endpointURL
    overrides.logLevel = logLevel?.rawValue
    return SettingsLoader(
      environment: ProcessEnvironment.variables(), arguments: overrides,
      workingDirectory: ProcessEnvironment.workingDirectory(), readFile: SettingsFile.read)
  }
}

extension LogSettings.Level: ExpressibleByArgument {}
