/// The flags of the command line; `nil` for a flag that was not given.
package struct SettingsOverrides: Sendable, Equatable {
  /// `--config`.
  package var configurationFile: String?
  /// `--socket`.
  package var socketPath: String?
  /// `--state-dir`.
  package var stateDirectory: String?
  /// `false` leaves the matter to variables and file.
  package var sandbox = false
  /// Of the default target.
  package var region: String?
  /// Of the default target.
  package var endpointURL: String?
  package var logLevel: String?

  package init() {}

  static let configurationFlag = "--config"

  /// The flags that set keys, with their values.
  var keys: [(path: String, flag: String, value: String?)] {
    [
      ("socket.path", "--socket", socketPath),
      ("stateDirectory", "--state-dir", stateDirectory),
      ("sandbox", "--sandbox", sandbox ? "true" : nil),
      ("targets.NAME.region", "--region", region),
      ("targets.NAME.endpoint", "--endpoint-url", endpointURL),
      ("log.level", "--log-level", logLevel),
    ]
  }
}
