package import CertRegCore
import Synchronization

/// When the calls of DescribeCertificate of a target begin: those that follow registrations, and those of `describe`.
package final class DescribeTurns: Sendable {
  private let pace: Mutex<DescribePace>

  /// - Parameter perSecond: Calls a second, above 0; `nil`: no pace.
  package init(perSecond: Double?) {
    pace = Mutex(DescribePace(perSecond: perSecond))
  }

  /// Takes the next turn.
  ///
  /// - Returns: When the call may begin; `nil`: not before `deadline`.
  package func take(now: MonotonicTime, deadline: MonotonicTime) -> MonotonicTime? {
    pace.withLock { $0.takeTurn(now: now, deadline: deadline) }
  }

  /// The upstream asks for a pause. Calls that have their turn already begin nevertheless.
  package func hold(until time: MonotonicTime) {
    pace.withLock { $0.hold(until: time) }
  }
}
