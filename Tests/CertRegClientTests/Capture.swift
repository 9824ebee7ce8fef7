import CertRegClient
import CertRegClock
import CertRegCore
import Testing

/// A console that keeps what is written.
final class Capture {
  private(set) var output = ""
  private(set) var errors = ""
  /// Lets writing of results fail.
  var isFull = false

  /// - Parameter columns: width of a terminal; `nil`: a pipe.
  func console(columns: Int? = nil, colour: Bool = false, isUTF8: Bool = true) -> Console {
    Console(
      output: .init(isTerminal: columns != nil, columns: columns ?? 80, colour: colour, isUTF8: isUTF8) {
        self.output += $0
        return !self.isFull
      },
      errors: .init(isTerminal: columns != nil, columns: columns ?? 80, colour: colour, isUTF8: isUTF8) {
        self.errors += $0
        return true
      })
  }

  var outputLines: [String] { output.split(separator: "\n").map(String.init) }
}

extension Session {
  /// A session on the system's clock that is impatient with a daemon that went away.
  init(
    socketPath: String, console: Console, json: Bool = false, targets: [String] = [], timeout: Duration? = nil
  ) {
    self.init(
      socketPath: socketPath, console: console, clock: .system, json: json, targets: targets, timeout: timeout)
    patience = .milliseconds(20)
    firstPause = .milliseconds(1)
  }
}

extension Connection {
  /// A connection on the system's clock.
  convenience init(path: String) throws(ClientError) {
    try self.init(path: path, clock: .system)
  }
}

extension Pipeline {
  /// A pipeline on the system's clock.
  init(_ connection: Connection, window: Int = defaultWindow, timeout: Duration?) {
    self.init(connection, window: window, timeout: timeout, clock: .system)
  }

  /// Runs a pipeline in which no request may run out of time.
  func run<Item>(
    next: () -> (Item, Request)?, answered: (Item, Answer) -> Void, tick: (Int) -> Bool = { _ in true }
  ) -> End<Item> {
    run(
      pulling: { next().map { .request($0.0, $0.1) } ?? .end }, answered: answered,
      failed: { _, error in Issue.record("\(error)") }, tick: tick)
  }
}
