import Glibc

/// Standard input, output and error of the process.
package enum StandardDescriptors {
  /// Opens /dev/null in place of each that is closed. Otherwise the next file or socket that is opened gets its number,
  /// and what is meant for a terminal or a log is written into it.
  ///
  /// Call it before anything is opened. If /dev/null cannot be opened, other opens most likely fail, too.
  ///
  /// - Parameter reportsLostOutput: Whether writing to standard output fails where it was closed. Otherwise what is
  ///   written there is lost without an error.
  package static func open(reportsLostOutput: Bool = false) {
    for descriptor in STDIN_FILENO...STDERR_FILENO where fcntl(descriptor, F_GETFD) < 0 && errno == EBADF {
      // The lowest number that is free is this one: the ones below it are open.
      _ = Glibc.open("/dev/null", reportsLostOutput && descriptor == STDOUT_FILENO ? O_RDONLY : O_RDWR)
    }
  }
}
