import CertRegCore
import Glibc

extension AnswerDemand {
  /// Lets another thread go first that waits for this one's processor, while answers from memory are being asked for. To be
  /// called where a piece of work is done.
  ///
  /// With the time slices of the kernel's scheduler, which are milliseconds, those who ask for what is known would wait as long
  /// for each other's new certificates. To be nicer (nice(2)) would keep the daemon from its work on a host that is busy with
  /// something else.
  func giveWay() {
    if takesTurn(at: SystemClock.monotonic) { sched_yield() }
  }
}
