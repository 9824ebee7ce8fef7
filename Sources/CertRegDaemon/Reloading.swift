import CertRegHost
import CertRegSettings
import Glibc
import Logging
import Synchronization
import UnixSignals

/// Waits for signals: SIGHUP takes a new configuration, SIGTERM and SIGINT end the daemon.
final class Reloading: Sendable {
  private let reload: @Sendable (_ inForce: LoadedSettings) throws(SettingsError) -> LoadedSettings
  private let parts: DaemonParts
  private let log: LogPipeline
  private let notifier: ServiceNotifier
  private let logger: Logger
  private let current: Mutex<LoadedSettings>

  /// - Parameters:
  ///   - loaded: The configuration in force.
  ///   - reload: Reads the configuration anew.
  init(
    loaded: LoadedSettings,
    reload: @escaping @Sendable (_ inForce: LoadedSettings) throws(SettingsError) -> LoadedSettings,
    parts: DaemonParts, log: LogPipeline, notifier: ServiceNotifier, logger: Logger
  ) {
    current = Mutex(loaded)
    self.reload = reload
    self.parts = parts
    self.log = log
    self.notifier = notifier
    self.logger = logger
  }

  /// The settings in force.
  var settings: Settings { current.withLock { $0.settings } }

  /// Returns when the daemon is to end. A reload under way is given up then: with thousands of targets it takes
  /// seconds.
  func run(_ signals: UnixSignalsSequence) async {
    let requests = Activity()
    await withTaskGroup { group in
      group.addTask { await requests.forEach { await self.takeNew() } }
      for await signal in signals {
        if signal == .sighup {
          requests.note()
          continue
        }
        // A second one means now: the default action takes effect again.
        Glibc.signal(SIGTERM, SIG_DFL)
        Glibc.signal(SIGINT, SIG_DFL)
        break
      }
      group.cancelAll()
    }
  }

  /// Takes the configuration as it is now, or keeps the one in force and says what is wrong.
  private func takeNew() async {
    notifier.reloading()
    do throws(SettingsError) {
      try await take(try reload(current.withLock { $0 }))
      parts.reports.setReloadProblem(nil)
      notifier.ready(status: "took the new configuration")
    } catch {
      if Task.isCancelled { return }
      for problem in error.problems { logger.log(.error, .reloadRefused, "\(problem)") }
      let problem = error.problems.first.map { "\($0)" } ?? ""
      parts.reports.setReloadProblem(problem)
      notifier.ready(status: "the new configuration is wrong, the old one stays: \(problem)")
    }
    parts.activity.note()
  }

  private func take(_ new: LoadedSettings) async throws(SettingsError) {
    let old = settings
    for warning in new.warnings { logger.warning("\(warning)") }
    var taken = new
    taken.settings = new.settings.atReload(of: old)
    do throws(DaemonError) { try await parts.reconfigure(taken.settings) } catch {
      throw SettingsError(problems: [
        SettingsError.Problem(
          origin: .file(path: new.configurationFile ?? "configuration", line: nil, column: nil), key: "targets",
          message: error.description)
      ])
    }
    log.level = taken.settings.log.level.swiftLog
    for change in new.settings.changes(from: old) where !change.takesEffectAtReload {
      logger.warning(
        "\(change.key) changed, which takes effect at the next start", metadata: [LogField.setting: "\(change.key)"])
    }
    current.withLock { [taken] in $0 = taken }
    logger.log(.notice, .reloaded, "took the new configuration")
  }
}
