import CertRegCore
import CertRegHost
import Logging

extension Logger {
  /// Logs that the health of a target has changed.
  ///
  /// - Parameter reply: The reply that changed it.
  func logHealth(of target: TargetName, _ health: TargetHealth, _ reply: UpstreamReply) {
    var metadata: Metadata = [LogField.target: "\(target)"]
    var why = ""
    if let failure = reply.failure {
      why = ": \(failure.error.reason): \(failure.error.message)"
      metadata[LogField.cause] = failure.error.cause.map { "\($0)" }
    }
    switch health {
    case .ok: log(.notice, .upstreamRecovered, "the upstream is well again", metadata)
    case .throttled: log(.notice, .upstreamThrottled, "the upstream throttles\(why)", metadata)
    case .unavailable: log(.warning, .upstreamUnavailable, "the upstream is not available\(why)", metadata)
    case .unauthorized:
      log(.error, .identityRefused, "the upstream refuses the daemon's identity\(why)", metadata)
    }
  }
}
