import ArgumentParser
import CertRegClient
import CertRegClock
import CertRegCore
import Glibc

/// The options of verbs for people alone.
struct ConnectionOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "certregd's socket (default: $CERTREGD_SOCKET, else /run/certregd/certregd.sock).", valueName: "path"),
    completion: .file())
  var socket: String?

  @Option(
    help: ArgumentHelp(
      "Time to wait for an answer: seconds, or with a unit (500ms, 30s, 5m); at most 300s.", valueName: "time"),
    transform: TimeLimit.duration)
  var timeout: Duration?

  /// Runs a verb and ends the process with its status.
  func run(json: Bool = false, targets: [String] = [], _ verb: (Session) -> CommandStatus) throws {
    let environment = Environment.current
    let session = Session(
      socketPath: SocketPath.resolve(option: socket, environment: environment),
      console: Console.standard(environment: environment), clock: .system, json: json, targets: targets,
      timeout: timeout)
    try session.console.end(verb(session))
  }
}

extension Console {
  /// Ends the process with the status of a verb, or with that of results that could not be written.
  func end(_ status: CommandStatus) throws {
    let status = finalStatus(status)
    if status != .success { throw ExitCode(status.rawValue) }
  }

  /// The status of a process whose verb ends with `status`.
  func finalStatus(_ status: CommandStatus) -> CommandStatus {
    guard hasLostOutput else { return status }
    note("certregctl: the results could not be written")
    return .combining([status, .outputLost])
  }
}

/// The options of nearly every verb.
struct SocketOptions: ParsableArguments {
  @OptionGroup var connection: ConnectionOptions

  @Flag(help: "Print the daemon's answers as JSON lines.")
  var json = false

  /// Runs a verb and ends the process with its status.
  func run(targets: [String] = [], _ verb: (Session) -> CommandStatus) throws {
    try connection.run(json: json, targets: targets, verb)
  }
}

/// The options of verbs that concern certain targets.
struct TargetOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp("A target (account and region) of certregd's configuration; may be repeated.", valueName: "name")
  )
  var target: [String] = []

  func validate() throws {
    if let name = CommandWords.repeated(in: target) {
      throw ValidationError("--target has the name \(name) more than once.")
    }
  }
}

/// The process's environment.
enum Environment {
  static var current: [String: String] {
    var variables: [String: String] = [:]
    var entry = environ
    while let text = entry.pointee {
      let pair = String(cString: text)
      if let equals = pair.firstIndex(of: "=") {
        variables[String(pair[..<equals])] = String(pair[pair.index(after: equals)...])
      }
      entry += 1
    }
    return variables
  }
}
