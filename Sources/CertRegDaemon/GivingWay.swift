import CertRegCore
import Glibc

/// The daemon's only policy of precedence: while clients ask for many answers from memory, all other work gives way to
/// them after each piece of work.
///
/// The time slices of the kernel's scheduler are milliseconds. Without giving way, clients that ask for known results
/// would wait as long for other clients' new certificates. A higher nice(2) value would keep the daemon from its work
/// on a host that is busy with other work.
struct GivingWay: Sendable {
  let demand: AnswerDemand
  let clock: HostClock

  /// Whether there is high demand for answers from memory.
  func isPressed(at time: MonotonicTime) -> Bool { demand.isHigh(at: time) }

  /// Yields the processor to a waiting thread that may have more urgent work. To be called
  /// after each piece of work.
  func giveWay() {
    if demand.takesTurn(at: clock.monotonic) { sched_yield() }
  }
}
