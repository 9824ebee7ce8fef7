import CertRegCore
import CertRegHost
import Logging
import NIOCore
import Synchronization

/// Keeps the service manager's watchdog content as long as every loop that does the daemon's work turns, and withholds
/// the sign of life when one of them hangs.
struct Watchdog: Sendable {
  private let notifier: ServiceNotifier
  private let interval: Duration
  private let logger: Logger
  private let loops: [(name: String, poke: @Sendable (@escaping @Sendable () -> Void) -> Void)]

  /// `nil` where the service manager asks for no sign of life. `loops`: how to run something on each loop.
  init?(
    notifier: ServiceNotifier, loops: [(name: String, poke: @Sendable (@escaping @Sendable () -> Void) -> Void)],
    logger: Logger
  ) {
    guard let interval = notifier.watchdogInterval else { return nil }
    self.notifier = notifier
    self.interval = interval
    self.logger = logger
    self.loops = loops
  }

  /// Runs until the task is cancelled.
  func run() async {
    let allowances = Dictionary(uniqueKeysWithValues: loops.map { ($0.name, interval) })
    let supervisor = Beats(WatchdogSupervisor(loops: allowances, now: SystemClock.monotonic))
    let tick = WatchdogSupervisor.tickInterval(watchdogInterval: interval)
    while !Task.isCancelled {
      for loop in loops {
        loop.poke { supervisor.beat(loop.name) }
      }
      do { try await Task.sleep(for: tick) } catch { return }
      switch supervisor.tick() {
      case .ping: notifier.pingWatchdog()
      case .withhold(_, let newly):
        guard !newly.isEmpty else { continue }
        let names = newly.joined(separator: ", ")
        logger.log(.critical, .watchdogWithheld, "a loop does not turn any more: \(names)", [LogField.loop: "\(names)"])
      }
    }
  }

  /// The supervisor, told of beats from any thread.
  private final class Beats: Sendable {
    private let supervisor: Mutex<WatchdogSupervisor>

    init(_ supervisor: WatchdogSupervisor) {
      self.supervisor = Mutex(supervisor)
    }

    func beat(_ name: String) {
      supervisor.withLock { $0.beat(name, at: SystemClock.monotonic) }
    }

    func tick() -> WatchdogSupervisor.Action {
      supervisor.withLock { $0.tick(at: SystemClock.monotonic) }
    }
  }
}
