import Glibc

/// Finds lines in bytes that arrive in pieces. The framer keeps offsets only; the bytes stay with the caller.
///
/// The caller keeps received bytes in one buffer, appends new ones at its end, calls `next(in:)` until that asks for
/// more, and drops consumed bytes from its start at any time:
///
///     while case .line(let range) = framer.next(in: bytes) { … }
///     drop(framer.consume())
///
/// The cost is linear in the bytes received, however small the pieces are. Raw pointers, because the search is
/// `memchr`'s; it stays inside the buffer.
package struct LineFramer: Sendable {
  /// What `next(in:)` found.
  package enum Event: Hashable, Sendable {
    /// A line without its LF, as offsets into the buffer. It is not blank.
    case line(Range<Int>)
    /// No further line is complete.
    case needsMore
    /// The current line is longer than the limit. Its connection has to be closed: no later line can be found.
    case tooLong
  }

  /// The most bytes of a line, not counting the LF. A change concerns the current line, too.
  package var maxLineBytes: Int
  /// Offset of the first byte of the current line.
  private var start = 0
  /// The current line has no LF before this offset.
  private var scanned = 0

  package init(maxLineBytes: Int) {
    self.maxLineBytes = maxLineBytes
  }

  /// Count of bytes at the start of the buffer that the caller may drop.
  package var consumedBytes: Int { start }

  /// Count of bytes of the current line seen so far.
  package var pendingBytes: Int { scanned - start }

  /// The next line, skipping blank ones: those of nothing but spaces, tabs and CRs.
  package mutating func next(in buffer: UnsafeRawBufferPointer) -> Event {
    guard let base = buffer.baseAddress else { return .needsMore }
    while true {
      // The byte after the limit decides: it is the LF, or the line is too long.
      let searchEnd = min(buffer.count, start + maxLineBytes + 1)
      guard scanned < searchEnd else {
        return scanned - start <= maxLineBytes ? .needsMore : .tooLong
      }
      guard let found = memchr(base + scanned, Int32(UInt8(ascii: "\n")), searchEnd - scanned) else {
        scanned = searchEnd
        continue
      }
      let line = start..<(UnsafeRawPointer(found) - base)
      start = line.upperBound + 1
      scanned = start
      if !LineFramer.isBlank(UnsafeRawBufferPointer(rebasing: buffer[line])) { return .line(line) }
    }
  }

  /// The last line where the input ends without an LF; `nil` where that line is blank, empty or too long.
  package func remainder(in buffer: UnsafeRawBufferPointer) -> Range<Int>? {
    guard start < buffer.count, buffer.count - start <= maxLineBytes else { return nil }
    let rest = start..<buffer.count
    return LineFramer.isBlank(UnsafeRawBufferPointer(rebasing: buffer[rest])) ? nil : rest
  }

  /// Returns how many consumed bytes the caller has to drop from the start of the buffer now; later offsets assume that
  /// it did.
  package mutating func consume() -> Int {
    let count = start
    scanned -= start
    start = 0
    return count
  }

  private static func isBlank(_ line: UnsafeRawBufferPointer) -> Bool {
    // Ordinary lines end this at their first byte.
    line.allSatisfy { $0 == 0x20 || $0 == 0x09 || $0 == 0x0d }
  }
}
