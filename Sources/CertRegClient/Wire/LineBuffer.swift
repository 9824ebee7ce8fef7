/// Splits a stream of bytes into lines.
struct LineBuffer {
  private var bytes: [UInt8] = []
  private var start = 0
  /// There is no line end before this offset, so that each byte of a long line is searched once.
  private var searched = 0

  /// The number of bytes after the last whole line.
  var pendingBytes: Int { bytes.count - start }

  mutating func append(_ more: some Sequence<UInt8>) {
    if start > 0, start == bytes.count {
      bytes.removeAll(keepingCapacity: true)
      start = 0
      searched = 0
    } else if start > 65_536 {
      bytes.removeFirst(start)
      searched -= start
      start = 0
    }
    bytes.append(contentsOf: more)
  }

  /// The next whole line without LF and a CR before it. Blank lines are skipped.
  mutating func nextLine() -> ArraySlice<UInt8>? {
    while let end = bytes[searched...].firstIndex(of: UInt8(ascii: "\n")) {
      var line = bytes[start..<end]
      start = end + 1
      searched = start
      if line.last == UInt8(ascii: "\r") { line.removeLast() }
      if !line.isEmpty { return line }
    }
    searched = bytes.count
    return nil
  }
}
