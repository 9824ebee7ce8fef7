import Glibc

/// A fault between the daemon and the machine it runs on: a path that is taken, a right that is missing, a bad
/// descriptor.
package struct HostError: Error, Hashable, Sendable, CustomStringConvertible {
  /// What went wrong, as far as a program cares.
  package enum Code: Hashable, Sendable {
    /// Another process listens on the path or holds its lock.
    case inUse
    /// Something that is not a socket is at the path: a file, a directory, a symbolic link.
    case occupied
    /// A path or a name that can never work: empty, relative to nothing, longer than the system takes.
    case invalid
    /// The process lacks a right.
    case denied
    /// The configured group does not exist.
    case unknownGroup
    /// A descriptor that the service manager passed is not a listening Unix stream socket.
    case unusableDescriptor
    /// Any other failure of a system call.
    case failed
  }

  /// What kind of failure it is.
  package var code: Code
  /// For the log and the operator: names the path and says what can be done about it.
  package var message: String

  package init(_ code: Code, message: String) {
    self.code = code
    self.message = message
  }

  /// The fault for the `errno` value `number` of the call `call` on `subject`.
  package init(errno number: Int32, call: String, subject: String) {
    let code: Code =
      switch number {
      case EACCES, EPERM, EROFS: .denied
      case EADDRINUSE: .inUse
      case ENAMETOOLONG: .invalid
      default: .failed
      }
    self.init(code, message: "\(subject): \(call): \(systemMessage(number))")
  }

  package var description: String { message }

  /// The exit status of sysexits(3) for a daemon that cannot start because of this.
  package var exitStatus: Int32 {
    switch code {
    case .inUse: 75  // EX_TEMPFAIL: the same start succeeds once the other instance is gone.
    case .occupied: 73  // EX_CANTCREAT
    case .invalid, .unknownGroup, .unusableDescriptor: 78  // EX_CONFIG
    case .denied: 77  // EX_NOPERM
    case .failed: 71  // EX_OSERR
    }
  }
}

/// The system's text for an `errno` value. Each thread has a buffer of its own for it, since glibc 2.32 (strerror(3)).
package func systemMessage(_ number: Int32) -> String { String(cString: strerror(number)) }
