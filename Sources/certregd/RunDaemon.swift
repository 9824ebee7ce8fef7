import CertRegDaemon
import CertRegSettings

/// Tells the clients that wait on systemd's socket that the daemon cannot start.
func turnClientsAway() { Daemon.turnClientsAway() }

/// Runs the daemon until a signal stops it, and returns an exit status of sysexits(3).
///
/// - Parameter reload: Reads the configuration again, for SIGHUP.
func runDaemon(
  _ loaded: LoadedSettings,
  reload: @escaping @Sendable (_ inForce: LoadedSettings) throws(SettingsError) -> LoadedSettings
) async -> Int32 {
  await Daemon(loaded, environment: ProcessEnvironment.variables(), reload: reload).run()
}

/// Looks for what a start would end with. Returns errors, and what only this environment may lack.
func checkStart(_ loaded: LoadedSettings) async -> (errors: [String], warnings: [String]) {
  await Daemon.checkStart(loaded.settings, environment: ProcessEnvironment.variables())
}

/// Checks the upstream of each target. Returns a line of JSON for each target, and an exit status of sysexits(3).
func checkUpstream(_ loaded: LoadedSettings) async -> (lines: [String], status: Int32) {
  await Daemon.checkUpstream(loaded.settings, environment: ProcessEnvironment.variables())
}
