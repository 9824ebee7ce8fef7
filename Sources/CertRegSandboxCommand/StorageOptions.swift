import ArgumentParser
import CertRegSandbox
import Glibc
import Logging

struct StorageOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "Keep the register in this file.",
      discussion: """
        The file has a line of JSON for every change, and the next start reads it. A damaged file is refused. If a change \
        cannot be written, its call is answered with InternalFailureException, and the log says why. A start replaces a \
        file most of whose lines no longer matter. That takes the right to create files in its directory and to give \
        them its owner and group; without it a warning says so, and the file grows.
        """,
      valueName: "file"))
  var state: String?

  @Option(
    help: ArgumentHelp(
      "Lowest severity to write to standard error: debug, info (a line for every request), notice, warning or error.",
      valueName: "level"),
    transform: { text in
      guard let level = Logger.Level(rawValue: text) else { throw ValidationError("unknown level") }
      return level
    })
  var logLevel = Logger.Level.notice

  var logger: Logger {
    var logger = Logger(label: SandboxProgram.name, factory: { StreamLogHandler.standardError(label: $0) })
    logger.logLevel = logLevel
    return logger
  }

  /// Opens the state file; `nil` if none is configured.
  func open(for account: SandboxAccount) throws -> (file: StateFile, register: SandboxRegister)? {
    guard let state else { return nil }
    do throws(StateFileError) {
      let opened = try StateFile.open(path: state, account: account)
      if let reason = opened.file.superfluity {
        logger.warning("\(state): lines that no longer matter stay in the file, and it grows: \(reason.message)")
      }
      return opened
    } catch {
      let status =
        switch error.code {
        case .damaged, .foreign: EX_DATAERR
        case .failed: EX_IOERR
        case .inUse: EX_TEMPFAIL
        }
      throw Exit.failure(status, error.message)
    }
  }
}
