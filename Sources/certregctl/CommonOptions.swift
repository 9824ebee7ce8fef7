import ArgumentParser
import CertRegClient
import CertRegClock
import CertRegCore
import Glibc

/// The options of every verb.
struct SocketOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "certregd's socket (default: $CERTREGD_SOCKET, else /run/certregd/certregd.sock).", valueName: "path"),
    completion: .file())
  var socket: String?

  @Flag(help: "Print the daemon's answers as JSON lines.")
  var json = false

  @Option(
    help: ArgumentHelp(
      "Time to wait for an answer: milliseconds, or with a unit (500ms, 30s, 5m).", valueName: "time"))
  var timeout: TimeLimit?

  /// Runs a verb and ends the process with its status.
  func run(targets: [String] = [], _ verb: (Session) -> CommandStatus) throws {
    let environment = Environment.current
    let session = Session(
      socketPath: SocketPath.resolve(option: socket, environment: environment),
      console: Console.standard(environment: environment), clock: .system, json: json, targets: targets,
      timeout: timeout?.duration)
    var status = verb(session)
    if session.console.hasLostOutput {
      session.console.note("certregctl: the results could not be written")
      status = .combining([status, .outputLost])
    }
    if status != .success { throw ExitCode(status.rawValue) }
  }
}

/// The options of verbs that concern certain targets.
struct TargetOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp("A target (account and region) of certregd's configuration; may be repeated.", valueName: "name")
  )
  var target: [String] = []
}

/// A time of 1 ms to 300 s, the range of `timeoutMs`.
struct TimeLimit: ExpressibleByArgument {
  let duration: Duration

  init?(argument: String) {
    let digits = argument.prefix { $0.isASCII && $0.isNumber }
    guard let value = Int64(digits), value > 0, value <= 300_000 else { return nil }
    switch argument.dropFirst(digits.count) {
    case "", "ms": duration = .milliseconds(value)
    case "s": duration = .seconds(value)
    case "m", "min": duration = .seconds(value * 60)
    default: return nil
    }
    guard duration <= .seconds(300) else { return nil }
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
