import CertRegCodec
package import CertRegCore
import Glibc

/// What every verb needs: the daemon's address, the console, and the options that all verbs share.
package struct Session {
  /// The path of the daemon's socket.
  package var socketPath: String
  /// Where results and messages go.
  package var console: Console
  /// The clock for timeouts and pauses.
  package var clock: HostClock
  /// Prints answers as JSON lines instead of text for people.
  package var json: Bool
  /// Targets to use; empty: the daemon's default target.
  package var targets: [String]
  /// How long to wait for an answer; `nil`: the verb's own default.
  package var timeout: Duration?
  /// How long a daemon may stay away in the middle of a batch.
  package var patience = Duration.seconds(10)
  /// The first pause before another connection is made.
  package var firstPause = Duration.milliseconds(100)

  package init(
    socketPath: String, console: Console, clock: HostClock, json: Bool = false, targets: [String] = [],
    timeout: Duration? = nil
  ) {
    self.socketPath = socketPath
    self.console = console
    self.clock = clock
    self.json = json
    self.targets = targets
    self.timeout = timeout
  }

  /// How long to wait for answers that the daemon gives without the upstream.
  package static let defaultTimeout = Duration.seconds(30)

  /// Connects to the daemon.
  ///
  /// - Throws: `ClientError` that says why there is no connection.
  package func connect() throws(ClientError) -> Connection {
    try Connection(path: socketPath, clock: clock)
  }

  /// Asks one question on a connection of its own.
  ///
  /// - Throws: `ClientError` that says why there is no answer.
  package func ask(_ request: Request) throws(ClientError) -> Answer {
    try ask(request, on: connect())
  }

  /// Asks one question, again where the rate of an access rule refuses it, until the time to wait for an answer is up.
  private func ask(_ request: Request, on connection: Connection) throws(ClientError) -> Answer {
    let limit = timeout ?? Session.defaultTimeout
    var waited = Duration.zero
    while true {
      let answer = try connection.ask(request, timeout: limit)
      guard let wait = answer.error?.callerRateWait, waited + wait < limit else { return answer }
      poll(nil, 0, Int32(clamping: wait.milliseconds))
      waited += wait
    }
  }

  /// Asks the daemon for its limits and its default target.
  ///
  /// - Throws: `ClientError` that says why there is no answer. An answer that refuses the operation leaves the
  ///   defaults.
  func facts(on connection: Connection) throws(ClientError) -> DaemonFacts {
    DaemonFacts(status: try ask(Request("status"), on: connection).json)
  }

  /// The `target` member of a request that takes any number of targets.
  var target: JSON? { Session.target(targets) }

  /// The `target` member for these targets; `nil` for none.
  static func target(_ names: [String]) -> JSON? {
    names.count > 1 ? .array(names.map(JSON.string)) : names.first.map(JSON.string)
  }

  /// Prints why there is no answer. With `--json`, standard output gets a line, too.
  func report(_ error: ClientError) {
    if json { console.printJSON(error.answerError.localLine(file: nil)) }
    console.report(error)
  }

  /// Prints an error of the inputs as a whole. With `--json`, standard output gets a line, too.
  ///
  /// - Parameter file: The input that it concerns; `nil`: none.
  /// - Returns: How the command ends.
  func report(_ error: InputError, file: String? = nil) -> CommandStatus {
    if json { console.printJSON(error.answerError.localLine(file: file)) }
    let place = file.map { "\($0): " } ?? ""
    console.note("\("certregctl:", .red) \(place)\(error.message)")
    if let advice = error.advice { console.note("  \("→", .cyan) \(advice)") }
    return error.exitStatus
  }

  /// Prints an answer that is an error.
  func report(_ error: AnswerError, of answer: Answer) {
    if json { console.printJSON(answer) } else { report(error) }
  }

  /// Prints an error that the daemon answered with.
  package func report(_ error: AnswerError) {
    console.note("\("certregctl:", .red) \(error.message) (\(error.reason))")
    if let advice = Advice.about(error, targets: targets) { console.note("  \("→", .cyan) \(advice)") }
  }
}
