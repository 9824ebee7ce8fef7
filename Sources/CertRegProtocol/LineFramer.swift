import Glibc

/// Finds lines in bytes that arrive in pieces. Pure: the bytes stay with the caller, which tells what it dropped.
///
/// The caller keeps what has arrived and was not consumed in one buffer, appends to its end, calls `next(in:)` until that
/// asks for more, and drops consumed bytes from its start when it likes:
///
///     while case .line(let range) = framer.next(in: bytes) { … }
///     drop(framer.consume())
///
/// No byte is looked at twice, however small the pieces are. Raw pointers, because the search is `memchr`'s; it stays inside
/// the buffer.
package struct LineFramer: Sendable {
  package enum Event: Hashable, Sendable {
    /// A line without its LF, as offsets into the buffer. It is not blank.
    case line(Range<Int>)
    /// No further line is complete.
    case needsMore
    /// The line at hand is past the limit. There is no way on from here but to close.
    case tooLong
  }

  /// The most bytes of a line, not counting the LF and the second half of escaped surrogate pairs: a character outside of the
  /// Basic Multilingual Plane takes twelve bytes when it is escaped (RFC 8259 section 7), and is still one character.
  package let maxLineBytes: Int
  /// What the surrogate pairs of the line at hand add to the limit, as far as they were counted.
  private var allowance = 0
  /// Offset of the first byte of the line at hand.
  private var start = 0
  /// Offset up to which there is no LF in it.
  private var scanned = 0

  package init(maxLineBytes: Int) {
    self.maxLineBytes = maxLineBytes
  }

  /// Count of bytes at the start of the buffer that are not needed any more.
  package var consumedBytes: Int { start }

  /// Count of bytes in the line at hand, as far as they have been seen.
  package var pendingBytes: Int { scanned - start }

  /// The next line, skipping blank ones: those of nothing but spaces, tabs and CRs.
  package mutating func next(in buffer: UnsafeRawBufferPointer) -> Event {
    guard let base = buffer.baseAddress else { return .needsMore }
    while true {
      // One byte past the limit decides: it is the LF, or the line is too long.
      let limit = maxLineBytes + allowance
      let searchEnd = min(buffer.count, start + limit + 1)
      guard scanned < searchEnd else {
        if scanned - start <= limit { return .needsMore }
        allowance = min(maxLineBytes, 6 * Self.countSurrogatePairs(buffer[start..<scanned]))
        if maxLineBytes + allowance > limit { continue }
        return .tooLong
      }
      guard let found = memchr(base + scanned, Int32(UInt8(ascii: "\n")), searchEnd - scanned) else {
        scanned = searchEnd
        continue
      }
      let line = start..<(UnsafeRawPointer(found) - base)
      start = line.upperBound + 1
      scanned = start
      allowance = 0
      if !LineFramer.isBlank(UnsafeRawBufferPointer(rebasing: buffer[line])) { return .line(line) }
    }
  }

  /// What is left at the end of input: a line without LF, unless it is blank or there is none.
  package func remainder(in buffer: UnsafeRawBufferPointer) -> Range<Int>? {
    guard start < buffer.count, buffer.count - start <= maxLineBytes + allowance else { return nil }
    let rest = start..<buffer.count
    return LineFramer.isBlank(UnsafeRawBufferPointer(rebasing: buffer[rest])) ? nil : rest
  }

  /// Notes that the caller drops the consumed bytes from the start of the buffer, and returns how many that are.
  package mutating func consume() -> Int {
    let count = start
    scanned -= start
    start = 0
    return count
  }

  /// Counts the beginnings of escaped high surrogates: `\ud8` to `\udb`.
  private static func countSurrogatePairs(_ line: Slice<UnsafeRawBufferPointer>) -> Int {
    let line = UnsafeRawBufferPointer(rebasing: line)
    var count = 0
    var index = 0
    while index + 4 <= line.count {
      if line[index] == UInt8(ascii: "\\"), line[index + 1] == UInt8(ascii: "u"),
        line[index + 2] | 0x20 == UInt8(ascii: "d"), "89abAB".utf8.contains(line[index + 3])
      {
        count += 1
        index += 6
      } else {
        index += 1
      }
    }
    return count
  }

  private static func isBlank(_ line: UnsafeRawBufferPointer) -> Bool {
    // Ordinary lines end this at their first byte.
    line.allSatisfy { $0 == 0x20 || $0 == 0x09 || $0 == 0x0d }
  }
}
