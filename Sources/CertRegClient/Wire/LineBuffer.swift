/// Cuts a stream of bytes into lines.
struct LineBuffer {
  private var bytes: [UInt8] = []
  private var start = 0
  /// Up to here no line end was found yet, so that a long line is not searched again with every piece of it.
  private var searched = 0

  /// Bytes of a line that has not ended.
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

  /// The next whole line without LF and a CR before it; blank lines are passed over.
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
