import CertRegCore
import Glibc

/// The terminal as a screen to draw on: alternate buffer, no cursor, keys without waiting for a line end. The terminal
/// is restored when the screen is released.
final class Screen {
  /// What came of waiting for a key.
  enum Key: Hashable {
    case pressed(UInt8)
    /// No key was pressed in time, or a signal came.
    case nothing
    /// The terminal has gone. Waiting for another key would return at once, for ever.
    case gone
  }

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

  /// Draws `lines` over the previous ones, in one write so that nothing flickers; `false` where the terminal has gone.
  func draw(_ lines: [TerminalText], on stream: Console.Stream) -> Bool {
    let body = lines.map { stream.drawn($0) + "\u{1B}[K" }.joined(separator: "\r\n")
    return Screen.write("\u{1B}[H" + body + "\u{1B}[J")
  }

  /// Waits for a key until `deadline`.
  func key(until deadline: MonotonicTime, _ clock: HostClock) -> Key {
    Screen.key(from: STDIN_FILENO, until: deadline, clock)
  }

  /// Waits until `deadline` for a key on the terminal `descriptor`.
  static func key(from descriptor: Int32, until deadline: MonotonicTime, _ clock: HostClock) -> Key {
    var entry = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
    let ready = poll(&entry, 1, clock.pollTimeout(until: deadline))
    guard ready > 0 else { return ready == 0 || errno == EINTR ? .nothing : .gone }
    guard entry.revents & Int16(POLLHUP | POLLERR | POLLNVAL) == 0 else { return .gone }
    var key: UInt8 = 0
    switch read(descriptor, &key, 1) {
    case 1: return .pressed(key)
    case 0: return .gone
    default: return errno == EINTR || errno == EAGAIN ? .nothing : .gone
    }
  }

  @discardableResult
  private static func write(_ text: String) -> Bool {
    writeAll(Array(text.utf8), to: STDOUT_FILENO)
  }
}
