import Glibc

/// Rows and columns of a terminal.
package struct TerminalSize: Hashable, Sendable {
  /// The number of lines.
  package var rows: Int
  /// The number of characters on a line.
  package var columns: Int

  /// The size of the terminal `descriptor`; `nil` where it is not a terminal or does not know.
  package static func current(_ descriptor: Int32) -> TerminalSize? {
    var size = winsize()
    guard ioctl(descriptor, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0 else { return nil }
    return TerminalSize(rows: Int(size.ws_row), columns: Int(size.ws_col))
  }
}
