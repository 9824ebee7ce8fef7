import ArgumentParser

/// The program certreg-sandbox, for the executables that contain it.
package enum SandboxProgram {
  /// The name of the program.
  package static let name = "certreg-sandbox"

  /// Serves until SIGTERM or SIGINT. If the command line is wrong, asks for help, or names something that cannot be
  /// used, ends the process with a status of sysexits(3).
  ///
  /// - Parameter arguments: The command line, without the program's name.
  package static func main(_ arguments: [String]) async {
    await SandboxCommand.main(arguments)
  }
}
