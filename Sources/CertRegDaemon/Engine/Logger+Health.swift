import CertRegCore
import CertRegHost
import Logging

extension Logger {
  /// Says that the health of a target has changed.
  ///
  /// - Parameter reply: The reply that changed it.
  func logHealth(of target: TargetName, _ health: TargetHealth, _ reply: UpstreamReply) {
    let metadata: Metadata = [LogField.target: "\(target)"]
    let cause =
      if case .failed(let failure) = reply { ": \(failure.error.reason): \(failure.error.message)" } else { "" }
    switch health {
    case .ok: log(.notice, .upstreamRecovered, "the upstream is well again", metadata)
    case .throttled: log(.notice, .upstreamThrottled, "the upstream throttles\(cause)", metadata)
    case .unavailable: log(.warning, .upstreamUnavailable, "the upstream is not available\(cause)", metadata)
    case .unauthorized:
      log(.error, .identityRefused, "the upstream refuses the daemon's identity\(cause)", metadata)
    }
  }
}
