import CertRegCore
import CertRegForwarder
import CertRegHost
import Glibc

/// Why the daemon could not start, with the exit status that says it to the service manager.
struct DaemonError: Error, CustomStringConvertible {
  var description: String
  /// Of sysexits(3).
  var exitStatus: Int32

  /// Whether another start would end the same way until the operator corrects the cause. The service unit lists the
  /// same statuses in `RestartPreventExitStatus=`.
  static func isForAPerson(_ exitStatus: Int32) -> Bool {
    [EX_USAGE, EX_CANTCREAT, EX_TEMPFAIL, EX_NOPERM, EX_CONFIG].contains(exitStatus)
  }

  init(_ error: HostError) {
    description = error.message
    exitStatus = error.exitStatus
  }

  init(_ error: StoreError) {
    description = error.message
    switch error.code {
    case .inUse: exitStatus = EX_TEMPFAIL
    case .full: exitStatus = EX_IOERR
    case .damaged: exitStatus = EX_IOERR
    case .newerVersion, .startsInterrupted: exitStatus = EX_CONFIG
    case .failed: exitStatus = EX_IOERR
    }
  }

  init(configuration message: String) {
    description = message
    exitStatus = EX_CONFIG
  }

  init(_ error: UpstreamConfigurationError) {
    description = "\(error)"
    exitStatus = error.mayPass ? EX_UNAVAILABLE : EX_CONFIG
  }
}
