package import CertRegCore

/// Decides when to notify the service manager's watchdog that the daemon is alive: only while every important loop
/// has shown that it still turns. One timer that pings on its own would hide a hang of all the others.
package struct WatchdogSupervisor: Sendable {
  /// What a tick asks for.
  package enum Action: Hashable, Sendable {
    /// Every loop was heard within its allowance.
    case ping
    /// These loops were not, sorted by name; `newly` are those that were in order at the tick before.
    case withhold(hanging: [String], newly: [String])
  }

  private struct Loop {
    var allowance: Duration
    var lastBeat: MonotonicTime
  }

  private var loops: [String: Loop] = [:]
  private var hanging: Set<String> = []

  /// - Parameters:
  ///   - loops: names, each with how long it may be silent. A loop that waits for the disk (an fsync can take many
  ///     seconds on a healthy machine) gets more than an event loop.
  ///   - now: counts as the first beat of each.
  package init(loops: [String: Duration], now: MonotonicTime) {
    for (name, allowance) in loops { self.loops[name] = Loop(allowance: allowance, lastBeat: now) }
  }

  /// The loop `name` turned. A name that is not supervised is ignored. An earlier time than the last one changes
  /// nothing.
  package mutating func beat(_ name: String, at now: MonotonicTime) {
    guard let last = loops[name]?.lastBeat, last < now else { return }
    loops[name]?.lastBeat = now
  }

  /// It is time to ping, if all is well.
  package mutating func tick(at now: MonotonicTime) -> Action {
    let silent = Set(loops.filter { now - $0.value.lastBeat > $0.value.allowance }.keys)
    let newly = silent.subtracting(hanging).sorted()
    hanging = silent
    return silent.isEmpty ? .ping : .withhold(hanging: silent.sorted(), newly: newly)
  }

  /// How often to tick: sd_watchdog_enabled(3) recommends half of the interval; a third lets one tick be late.
  package static func tickInterval(watchdogInterval: Duration) -> Duration {
    watchdogInterval / 3
  }
}
