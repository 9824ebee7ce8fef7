import CertRegCore
import Glibc

/// The terminal as a screen to draw on: alternate buffer, no cursor, keys without waiting for a line end. The terminal is
/// restored when the screen is released.
final class Screen {
  private let original: termios

  /// `nil` where standard input or output is not a terminal.
  init?() {
    var settings = termios()
    guard isatty(STDOUT_FILENO) == 1, tcgetattr(STDIN_FILENO, &settings) == 0 else { return nil }
    original = settings
    settings.c_lflag &= ~tcflag_t(ICANON | ECHO)
    tcsetattr(STDIN_FILENO, TCSANOW, &settings)
    Screen.write("\u{1B}[?1049h\u{1B}[?25l")
  }

  deinit {
    Screen.write("\u{1B}[?25h\u{1B}[?1049l")
    var settings = original
    tcsetattr(STDIN_FILENO, TCSANOW, &settings)
  }

  var size: TerminalSize {
    TerminalSize.current(STDOUT_FILENO) ?? TerminalSize(rows: 24, columns: 80)
  }

  /// Draws `lines` over the previous ones, in one write so that nothing flickers.
  func draw(_ lines: [TerminalText], on stream: Console.Stream) {
    let body = lines.map { stream.drawn($0) + "\u{1B}[K" }.joined(separator: "\r\n")
    Screen.write("\u{1B}[H" + body + "\u{1B}[J")
  }

  /// Waits for a key; `nil` when `deadline` passes or a signal comes.
  func key(until deadline: MonotonicTime, _ clock: HostClock) -> UInt8? {
    var entry = pollfd(fd: STDIN_FILENO, events: Int16(POLLIN), revents: 0)
    guard poll(&entry, 1, clock.pollTimeout(until: deadline)) > 0 else { return nil }
    var key: UInt8 = 0
    return read(STDIN_FILENO, &key, 1) == 1 ? key : nil
  }

  private static func write(_ text: String) {
    writeAll(Array(text.utf8), to: STDOUT_FILENO)
  }
}
