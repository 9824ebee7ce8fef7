import CertRegCodec
import CertRegCore

/// What every verb has: where the daemon is, where to write, and the options that all of them take.
package struct Session {
  package var socketPath: String
  package var console: Console
  /// Answers as JSON lines instead of text for a person.
  package var json: Bool
  package var targets: [String]
  /// How long an answer is waited for; `nil`: the verb's own default.
  package var timeout: Duration?

  package init(
    socketPath: String, console: Console, json: Bool = false, targets: [String] = [], timeout: Duration? = nil
  ) {
    self.socketPath = socketPath
    self.console = console
    self.json = json
    self.targets = targets
    self.timeout = timeout
  }

  /// How long an answer is waited for that the daemon gives by itself, without the upstream.
  package static let defaultTimeout = Duration.seconds(30)

  /// Connects, or says why not.
  package func connect() throws(ClientError) -> Connection {
    try Connection(path: socketPath)
  }

  /// Asks one question on a connection of its own.
  package func ask(_ request: Request) throws(ClientError) -> Answer {
    try connect().ask(request, timeout: timeout ?? Session.defaultTimeout)
  }

  /// The value of a request's `target` member that names one target at most.
  var singleTarget: JSON? { targets.first.map(JSON.string) }

  /// Tells an error that the daemon answered with.
  package func report(_ error: AnswerError) {
    console.note("\("certregctl:", .red) \(error.message) (\(error.reason))")
    if let advice = Advice.forReason(error.reason) { console.note("  \("→", .cyan) \(advice)") }
  }
}
