package import CertRegCodec
import Glibc

/// The output of a command: results go to standard output, everything else to standard error.
///
/// On a terminal, lines of standard error can be transient: they show progress and are replaced by the next output.
package final class Console {
  /// Standard output.
  package let output: Stream
  /// Standard error.
  package let errors: Stream
  private var transient: [TerminalText] = []
  /// Whether some results could not be written, as on a full disk. Then the command has failed.
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
      colour: isTerminal && wantsColour, isUTF8: isUTF8(environment)
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

  /// Prints a line of results.
  package func print(_ text: TerminalText) {
    clearTransient(before: output)
    // A program gets names as they are, whatever the locale.
    writeResult(output.isTerminal ? output.drawn(text) : text.rendered(colour: output.colour))
  }

  /// Prints a line for programs whose characters are printable.
  func printRecord(_ line: String) {
    clearTransient(before: output)
    writeResult(output.isTerminal && !output.isUTF8 ? line.inASCII : line)
  }

  /// Prints a text of certregctl's own as it is, such as a script.
  package func printVerbatim(_ text: String, terminator: String = "\n") {
    clearTransient(before: output)
    if !output.write(text + terminator) { hasLostOutput = true }
  }

  /// Prints lines of results.
  package func print(_ lines: [TerminalText]) {
    for line in lines { print(line) }
  }

  /// Prints an answer as a line for programs. On a terminal, all characters that it could act on are escaped, as JSON
  /// allows.
  package func printJSON(_ answer: Answer, adding member: JSON.Member? = nil) {
    clearTransient(before: output)
    let isTerminal = output.isTerminal
    if let member {
      writeResult(escaped(answer.line(adding: member, printable: isTerminal)))
    } else {
      writeResult(escaped(isTerminal ? answer.json.serialized(printable: true) : answer.line))
    }
  }

  /// JSON without characters that a terminal does not have.
  private func escaped(_ json: String) -> String {
    output.isTerminal && !output.isUTF8 ? JSON.escapingNonASCII(json) : json
  }

  /// Prints a JSON value as a line for programs.
  package func printJSON(_ value: JSON) {
    clearTransient(before: output)
    writeResult(escaped(value.serialized(printable: output.isTerminal)))
  }

  private func writeResult(_ line: String) {
    if !output.write(line + "\n") { hasLostOutput = true }
  }

  /// Prints a line to standard error.
  package func note(_ text: TerminalText) {
    clearTransient(before: errors)
    _ = errors.write(errors.drawn(text) + "\n")
  }

  /// Prints an error and its advice.
  package func report(_ error: ClientError) {
    note("\("certregctl:", .red) \(error.message)")
    if let advice = error.advice { note("  \("→", .cyan) \(advice)") }
  }

  /// Prints what is wrong with a command line, and what to do.
  package func report(_ fault: CommandWords.Fault) {
    note("\("certregctl:", .red) \(fault.message)")
    note("  \("→", .cyan) \(fault.advice)")
  }

  /// Shows `text` until something else is written; only on a terminal.
  package func showTransient(_ text: TerminalText) {
    showTransient([text])
  }

  /// Shows lines, cut to the width, until something else is written; only on a terminal.
  package func showTransient(_ lines: [TerminalText]) {
    guard errors.isTerminal, lines != transient else { return }
    let width = max(1, errors.columns - 1)
    // Each line is written over the previous one, and the rest is erased after it. Erasing first would flicker.
    let drawn = lines.map { errors.drawn($0.truncated(to: width)) }
    let surplus = max(0, transient.count - lines.count)
    let text = Console.up(transient.count - 1) + Console.lines(drawn + Array(repeating: "", count: surplus))
    _ = errors.write(text + (surplus > 0 ? Console.up(surplus) : ""))
    transient = lines
  }

  /// Removes the transient lines.
  package func clearTransient() {
    clearTransient(before: errors)
  }

  private func clearTransient(before stream: Stream) {
    guard !transient.isEmpty, stream.isTerminal else { return }
    let blank = Array(repeating: "", count: transient.count)
    _ = errors.write(Console.up(transient.count - 1) + Console.lines(blank) + Console.up(transient.count - 1))
    transient = []
  }

  /// Moves the cursor to the beginning of the line `count` lines above.
  private static func up(_ count: Int) -> String {
    count > 0 ? "\r\u{1B}[\(count)A" : "\r"
  }

  /// Writes lines from the cursor on. Each line is erased by itself, since some terminals save an erased screen for
  /// scrolling back.
  private static func lines(_ texts: [String]) -> String {
    texts.map { $0 + "\u{1B}[K" }.joined(separator: "\r\n")
  }
}
