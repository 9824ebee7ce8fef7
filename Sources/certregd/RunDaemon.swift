import CertRegDaemon
import CertRegSettings

/// Tells clients that wait on the service manager's socket that the daemon cannot start.
func turnClientsAway() { Daemon.turnClientsAway() }

/// Runs the daemon until it is asked to stop, and returns the exit status of sysexits(3).
///
/// - Parameter reload: reads the configuration anew, for SIGHUP.
func runDaemon(
  _ loaded: LoadedSettings, reload: @escaping @Sendable () throws(SettingsError) -> LoadedSettings
) async -> Int32 {
  await Daemon(loaded, environment: ProcessEnvironment.variables(), reload: reload).run()
}

/// Checks the upstream of each target; returns a line of JSON for each, and the exit status of sysexits(3).
func checkUpstream(_ loaded: LoadedSettings) async -> (lines: [String], status: Int32) {
  await Daemon.checkUpstream(loaded.settings, environment: ProcessEnvironment.variables())
}
