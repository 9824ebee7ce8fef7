import Glibc

/// Why a program gave no result.
enum ChildProcessError: Error, Hashable, CustomStringConvertible {
  case notStarted(errno: Int32)
  case timedOut
  case cancelled
  case tooMuchOutput
  case killed(signal: Int32)

  /// Whether the program may succeed next time, with nothing changed.
  var isTransient: Bool {
    switch self {
    case .timedOut, .cancelled, .killed: true
    case .notStarted(let code): code == EAGAIN || code == ENOMEM || code == EMFILE || code == ENFILE
    case .tooMuchOutput: false
    }
  }

  var description: String {
    switch self {
    case .notStarted(let code): "it cannot be started: \(String(cString: strerror(code)))"
    case .timedOut: "it did not end within the time limit"
    case .cancelled: "it was ended because nobody waits for it any more"
    case .tooMuchOutput: "it printed more than any set of credentials has"
    case .killed(let signal): "it was ended by signal \(signal)\(ChildProcessError.name(signal))"
    }
  }

  /// The name of a signal that programs end by when something is wrong with them, in parentheses.
  private static func name(_ signal: Int32) -> String {
    switch signal {
    case SIGABRT: " (SIGABRT)"
    case SIGTRAP: " (SIGTRAP)"
    case SIGSEGV: " (SIGSEGV)"
    case SIGSYS: " (SIGSYS)"
    case SIGKILL: " (SIGKILL)"
    default: ""
    }
  }
}
