package import CertRegCodec
import Glibc

/// Where a command writes: its results to standard output, everything else to standard error.
///
/// On a terminal, lines of standard error can be transient: they show what is going on and give way to the next output.
package final class Console {
  /// One of the two streams and what it can do.
  package struct Stream {
    package var isTerminal: Bool
    /// The width as it is now: a terminal may change it at any time.
    package var columns: Int { measure() }
    package var colour: Bool
    private var measure: () -> Int
    /// Writes text; `false` where not all of it could be written.
    package var write: (String) -> Bool

    package init(
      isTerminal: Bool, columns: @escaping @autoclosure () -> Int = 80, colour: Bool = false,
      write: @escaping (String) -> Bool
    ) {
      self.isTerminal = isTerminal
      measure = columns
      self.colour = colour
      self.write = write
    }
  }

  package let output: Stream
  package let errors: Stream
  private var transient: [TerminalText] = []
  /// Whether some of the results could not be written, as when a disk is full: then no command succeeded.
  package private(set) var hasLostOutput = false

  package init(output: Stream, errors: Stream) {
    self.output = output
    self.errors = errors
  }

  /// The process's own streams. Colours are used on a terminal unless `NO_COLOR` is set or `TERM` is `dumb`.
  package static func standard(environment: [String: String]) -> Console {
    Console(
      output: stream(STDOUT_FILENO, environment: environment), errors: stream(STDERR_FILENO, environment: environment))
  }

  private static func stream(_ descriptor: Int32, environment: [String: String]) -> Stream {
    let isTerminal = isatty(descriptor) == 1
    let wantsColour = (environment["NO_COLOR"] ?? "").isEmpty && environment["TERM"] != "dumb"
    return Stream(
      isTerminal: isTerminal, columns: columns(descriptor, environment: environment),
      colour: isTerminal && wantsColour
    ) { text in
      writeAll(Array(text.utf8), to: descriptor)
    }
  }

  /// No terminal is wider. A variable can say anything.
  private static let maximumColumns = 10_000

  private static func columns(_ descriptor: Int32, environment: [String: String]) -> Int {
    let variable = environment["COLUMNS"].flatMap { Int($0) }.map { min(max(1, $0), maximumColumns) }
    return TerminalSize.current(descriptor)?.columns ?? variable ?? 80
  }

  /// A line of results.
  package func print(_ text: TerminalText) {
    clearTransient(before: output)
    writeResult(text.rendered(colour: output.colour))
  }

  /// Lines of results.
  package func print(_ lines: [TerminalText]) {
    for line in lines { print(line) }
  }

  /// A line for programs. A terminal gets it with everything escaped that it could act on, which JSON allows.
  package func printJSON(_ answer: Answer, adding member: JSON.Member? = nil) {
    clearTransient(before: output)
    let isTerminal = output.isTerminal
    if let member {
      writeResult(answer.line(adding: member, printable: isTerminal))
    } else {
      writeResult(isTerminal ? answer.json.serialized(printable: true) : answer.line)
    }
  }

  /// A JSON value of this program's own as a line for programs.
  package func printJSON(_ value: JSON) {
    clearTransient(before: output)
    writeResult(value.serialized(printable: output.isTerminal))
  }

  private func writeResult(_ line: String) {
    if !output.write(line + "\n") { hasLostOutput = true }
  }

  /// A line beside the results.
  package func note(_ text: TerminalText) {
    clearTransient(before: errors)
    _ = errors.write(text.rendered(colour: errors.colour) + "\n")
  }

  /// Tells an error and what to do about it.
  package func report(_ error: ClientError) {
    note("\("certregctl:", .red) \(error.message)")
    if let advice = error.advice { note("  \("→", .cyan) \(advice)") }
  }

  /// Shows `text` for as long as nothing else is written; only on a terminal.
  package func showTransient(_ text: TerminalText) {
    showTransient([text])
  }

  /// Shows lines, which never wrap, for as long as nothing else is written; only on a terminal.
  package func showTransient(_ lines: [TerminalText]) {
    guard errors.isTerminal, lines != transient else { return }
    let width = max(1, errors.columns - 1)
    // Each line is written over the one that was there and the rest of it erased then: erased first, it would flicker.
    let drawn = lines.map { $0.truncated(to: width).rendered(colour: errors.colour) }
    let surplus = max(0, transient.count - lines.count)
    let text = Console.up(transient.count - 1) + Console.lines(drawn + Array(repeating: "", count: surplus))
    _ = errors.write(text + (surplus > 0 ? Console.up(surplus) : ""))
    transient = lines
  }

  /// Takes the transient lines away.
  package func clearTransient() {
    clearTransient(before: errors)
  }

  private func clearTransient(before stream: Stream) {
    guard !transient.isEmpty, stream.isTerminal else { return }
    let blank = Array(repeating: "", count: transient.count)
    _ = errors.write(Console.up(transient.count - 1) + Console.lines(blank) + Console.up(transient.count - 1))
    transient = []
  }

  /// Moves the cursor to the beginning of a line above.
  private static func up(_ count: Int) -> String {
    count > 0 ? "\r\u{1B}[\(count)A" : "\r"
  }

  /// Lines from the cursor on. Each is erased by itself: what erases the whole screen, some terminals keep for scrolling back.
  private static func lines(_ texts: [String]) -> String {
    texts.map { $0 + "\u{1B}[K" }.joined(separator: "\r\n")
  }
}

/// Writes all bytes; `false` where the descriptor fails before.
@discardableResult
func writeAll(_ bytes: [UInt8], to descriptor: Int32) -> Bool {
  var offset = 0
  while offset < bytes.count {
    let count = bytes[offset...].withUnsafeBytes { write(descriptor, $0.baseAddress, $0.count) }
    if count < 0, errno == EINTR { continue }
    guard count > 0 else { return false }
    offset += count
  }
  return true
}

/// Rows and columns of a terminal.
package struct TerminalSize: Hashable, Sendable {
  package var rows: Int
  package var columns: Int

  /// What the terminal behind `descriptor` says; `nil` where it is none or does not know.
  package static func current(_ descriptor: Int32) -> TerminalSize? {
    var size = winsize()
    guard ioctl(descriptor, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0 else { return nil }
    return TerminalSize(rows: Int(size.ws_row), columns: Int(size.ws_col))
  }
}
