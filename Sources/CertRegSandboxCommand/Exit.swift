import ArgumentParser
import Glibc

/// Ends the program with a message and a status of sysexits(3).
enum Exit {
  /// Prints `message` on standard error.
  ///
  /// - Returns: The error to throw.
  static func failure(_ status: Int32, _ message: String) -> ExitCode {
    let line = Array("\(SandboxProgram.name): \(message)\n".utf8)
    // If standard error cannot be written, there is nowhere else to report the error.
    _ = write(STDERR_FILENO, line, line.count)
    return ExitCode(status)
  }
}
