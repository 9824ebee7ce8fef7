import CertRegCore
import CertRegHost
import Logging
import NIOCore
import Synchronization

/// A loop or thread that does the daemon's work.
struct WatchedLoop: Sendable {
  var name: String
  /// How many intervals of the watchdog it may be silent. A loop must turn all the time; what waits for the disk (an
  /// fsync can take many seconds on a machine that is well) or has a queue of work before it gets more.
  var patience: Int
  /// Runs something on it.
  var poke: @Sendable (@escaping @Sendable () -> Void) -> Void
}

/// Keeps the service manager's watchdog content as long as every loop that does the daemon's work turns, and withholds
/// the sign of life when one of them hangs.
struct Watchdog: Sendable {
  private let notifier: ServiceNotifier
  private let interval: Duration
  private let logger: Logger
  private let loops: [WatchedLoop]
  private let activity: Activity
  private let clock: HostClock

  /// `nil` where the service manager asks for no sign of life. `activity` is noted with every sign: a look at what the
  /// socket's loops do by themselves.
  init?(notifier: ServiceNotifier, loops: [WatchedLoop], activity: Activity, clock: HostClock, logger: Logger) {
    guard let interval = notifier.watchdogInterval else { return nil }
    self.notifier = notifier
    self.interval = interval
    self.logger = logger
    self.loops = loops
    self.activity = activity
    self.clock = clock
  }

  /// Runs until the task is cancelled.
  func run() async {
    let allowances = Dictionary(uniqueKeysWithValues: loops.map { ($0.name, interval * $0.patience) })
    let supervisor = Beats(WatchdogSupervisor(loops: allowances, now: clock.monotonic), clock: clock)
    let tick = WatchdogSupervisor.tickInterval(watchdogInterval: interval)
    while !Task.isCancelled {
      for loop in loops {
        loop.poke { supervisor.beat(loop.name) }
      }
      do { try await Task.sleep(for: tick) } catch { return }
      switch supervisor.tick() {
      case .ping:
        notifier.pingWatchdog()
        activity.note()
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
    private let clock: HostClock

    init(_ supervisor: WatchdogSupervisor, clock: HostClock) {
      self.clock = clock
      self.supervisor = Mutex(supervisor)
    }

    func beat(_ name: String) {
      supervisor.withLock { $0.beat(name, at: clock.monotonic) }
    }

    func tick() -> WatchdogSupervisor.Action {
      supervisor.withLock { $0.tick(at: clock.monotonic) }
    }
  }
}
