import Glibc

/// Limits of the process that decide how many clients it can serve.
package enum ProcessLimits {
  /// `RLIMIT_NOFILE` (getrlimit(2)).
  package struct OpenFiles: Hashable, Sendable {
    /// What the kernel enforces.
    package var soft: UInt64
    /// How far the process may raise it.
    package var hard: UInt64

    package init(soft: UInt64, hard: UInt64) {
      self.soft = soft
      self.hard = hard
    }
  }

  /// The limit on open descriptors as it is now.
  ///
  /// - Throws: ``HostError`` if the limit cannot be read.
  package static func openFiles() throws(HostError) -> OpenFiles {
    var limit = rlimit()
    guard getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else {
      throw HostError(errno: errno, call: "getrlimit", subject: "RLIMIT_NOFILE")
    }
    return OpenFiles(soft: UInt64(limit.rlim_cur), hard: UInt64(limit.rlim_max))
  }

  /// Raises the soft limit to the hard one and returns what then holds. The soft limit is low for the sake of programs
  /// that use select(2), which cannot take descriptors above 1,023; the daemon does not.
  ///
  /// - Throws: ``HostError`` if the limit can be neither read nor raised.
  @discardableResult
  package static func raiseOpenFiles() throws(HostError) -> OpenFiles {
    let before = try openFiles()
    guard before.soft < before.hard else { return before }
    var limit = rlimit(rlim_cur: rlim_t(before.hard), rlim_max: rlim_t(before.hard))
    guard setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else {
      throw HostError(errno: errno, call: "setrlimit", subject: "RLIMIT_NOFILE")
    }
    return try openFiles()
  }

  /// Sets what the process inherits of signals. Writing to a peer that went away is an error (`EPIPE`) and not the end of
  /// the process: Linux has no `SO_NOSIGPIPE`. The ends of child processes can be waited for, also where the parent left
  /// them to the system (`waitpid(2)`, `ECHILD`).
  package static func setSignals() {
    signal(SIGPIPE, SIG_IGN)
    signal(SIGCHLD, SIG_DFL)
  }
}

extension ProcessLimits {
  /// The host's name (gethostname(2)).
  package static var hostName: String {
    var name = [CChar](repeating: 0, count: 256)
    guard gethostname(&name, name.count - 1) == 0 else { return "localhost" }
    return name.withUnsafeBufferPointer { $0.baseAddress.map { String(cString: $0) } } ?? "localhost"
  }
}
