import CertRegCore
import Synchronization

/// When the calls of DescribeCertificate begin that follow registrations. They keep to a pace of their own, and none
/// begins in a pause that the upstream has asked for.
final class DescribeTurns: Sendable {
  private struct State: Sendable {
    /// When the next call may begin.
    var next = MonotonicTime(nanoseconds: 0)
  }

  /// The time between two calls; zero: there is no pace.
  private let interval: Duration
  private let state = Mutex(State())

  /// - Parameter perSecond: The pace, above 0; `nil`: none.
  init(perSecond: Double?) {
    interval = perSecond.map { .nanoseconds(Int64(1e9 / $0)) } ?? .zero
  }

  /// When the next call may begin; `nil`: not before `deadline`.
  func next(now: MonotonicTime, deadline: MonotonicTime) -> MonotonicTime? {
    state.withLock { state in
      let begin = max(now, state.next)
      guard begin < deadline else { return nil }
      state.next = begin + interval
      return begin
    }
  }

  /// The upstream asks for a pause. Calls that have their turn already begin nevertheless.
  func hold(until time: MonotonicTime) {
    state.withLock { $0.next = max($0.next, time) }
  }
}
