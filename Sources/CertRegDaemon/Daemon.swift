import CertRegClock
import CertRegCore
import CertRegHost
import CertRegProtocol
package import CertRegSettings
import CertRegSocket
import CertRegStore
import Glibc
import Logging
import NIOCore
import NIOPosix
import UnixSignals

/// The daemon: builds the parts, runs them, and takes them down in order.
package struct Daemon: Sendable {
  private let loaded: LoadedSettings
  private let reload: @Sendable (_ inForce: LoadedSettings) throws(SettingsError) -> LoadedSettings
  private let environment: [String: String]

  /// - Parameters:
  ///   - loaded: the configuration.
  ///   - reload: reads the configuration anew, for SIGHUP.
  package init(
    _ loaded: LoadedSettings, environment: [String: String],
    reload: @escaping @Sendable (_ inForce: LoadedSettings) throws(SettingsError) -> LoadedSettings
  ) {
    self.loaded = loaded
    self.environment = environment
    self.reload = reload
  }

  /// Runs until SIGTERM or SIGINT; returns the exit status of sysexits(3).
  package func run() async -> Int32 {
    // First of all: it takes variables out of the environment, which has to happen before there are other threads.
    let passed = SocketActivation.takePassedSockets()
    ProcessLimits.setSignals()
    let clock = HostClock.system
    let log: LogPipeline
    do throws(HostError) {
      log = try LogPipeline(configuration: loaded.settings.log.pipeline, environment: environment, clock: clock)
    } catch {
      // There is no log to say it in.
      let line = Array("certregd: \(error.message)\n".utf8)
      _ = write(STDERR_FILENO, line, line.count)
      return error.exitStatus
    }
    LoggingSystem.bootstrap { label in log.makeHandler(label: label) }
    let logger = Logger(label: "certregd")
    for warning in loaded.warnings { logger.warning("\(warning)") }
    defer { log.flush() }
    do throws(DaemonError) {
      try await serve(passed, clock: clock, log: log, logger: logger)
      logger.log(.notice, .stopped, "stopped")
      return EX_OK
    } catch {
      logger.log(.critical, .startFailed, "\(error.description)")
      if DaemonError.isForAPerson(error.exitStatus) { Self.turnClientsAway(passed) }
      return error.exitStatus
    }
  }

  /// Tells the clients that wait on the service manager's sockets that the configuration is wrong. For a process that
  /// has no other threads yet and ends then.
  package static func turnClientsAway() {
    turnClientsAway(SocketActivation.takePassedSockets())
  }

  private static func turnClientsAway(_ passed: PassedSockets) {
    let answer = AnswerEncoder.error(id: Array("null".utf8), .startFailed)
    SocketActivation.turnAway(from: passed.usable, with: answer)
  }

  private func serve(
    _ passed: PassedSockets, clock: HostClock, log: LogPipeline, logger: Logger
  ) async throws(DaemonError) {
    // From here on a signal waits for the loop below instead of ending the process in the middle of the start.
    let signals = await UnixSignalsSequence(trapping: .sigterm, .sigint, .sighup)
    let notifier = ServiceNotifier.fromEnvironment()
    let openFiles: ProcessLimits.OpenFiles
    do throws(HostError) { openFiles = try ProcessLimits.raiseOpenFiles() } catch { throw DaemonError(error) }
    let parts = try await DaemonParts(
      loaded.settings,
      DaemonParts.Surroundings(
        clock: clock, passed: passed, openFiles: openFiles, environment: environment, notifier: notifier, log: log,
        logger: logger))
    let watchdog = Watchdog(
      notifier: notifier, loops: parts.loops, activity: parts.activity, clock: clock, logger: logger)
    logger.log(.notice, .ready, "certregd \(Version.current) serves \(parts.socketPath)")
    notifier.ready(status: "serving \(loaded.settings.targets.count) target(s)")
    ProgramText.releasePages()
    let reloading = Reloading(
      loaded: loaded, reload: reload, parts: parts, log: log, notifier: notifier, logger: logger)
    await withTaskGroup { group in
      group.addTask { await parts.calls.run() }
      group.addTask { await parts.watchCredentials() }
      group.addTask { await parts.watchQuotas() }
      group.addTask {
        // Once more: the first moments belong to the start.
        guard (try? await Task.sleep(for: .seconds(1))) != nil else { return }
        ProgramText.releasePages()
      }
      if !notifier.isSilent {
        let status = ServiceStatus(
          reports: parts.reports, notifier: notifier, activity: parts.activity, clock: clock)
        group.addTask { await status.run() }
      }
      if let watchdog { group.addTask { await watchdog.run() } }
      await reloading.run(signals)
      logger.log(.notice, .stopping, "stopping")
      notifier.stopping(status: "answering what was asked")
      let limit = reloading.settings.drainTimeout
      notifier.extendTimeout(by: limit + .seconds(5))
      await parts.stop(limit: limit)
      group.cancelAll()
    }
    await parts.close()
  }
}
