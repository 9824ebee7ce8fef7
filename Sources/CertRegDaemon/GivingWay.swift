import CertRegCore
import Glibc

/// The daemon's one policy of who goes first: while clients ask for many answers from memory, everything else gives way to them
/// where a piece of work is done.
///
/// With the time slices of the kernel's scheduler, which are milliseconds, clients that ask for what is known would wait as long for
/// other clients' new certificates. To be nicer (nice(2)) would keep the daemon from its work on a host that is busy with something
/// else.
struct GivingWay: Sendable {
  let demand: AnswerDemand
  let clock: HostClock

  /// Whether many answers from memory are being asked for.
  func isPressed(at time: MonotonicTime) -> Bool { demand.isHigh(at: time) }

  /// Lets another thread go first that waits for this one's processor, where it may have more pressing work. To be called
  /// where a piece of work is done.
  func giveWay() {
    if demand.takesTurn(at: clock.monotonic) { sched_yield() }
  }
}
