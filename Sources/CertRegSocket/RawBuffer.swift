import Glibc

/// A queue of bytes: appended at the end, consumed from the start, in memory that grows as needed.
///
/// Raw memory, because read(2) and write(2) work on it, lines are parsed where they lie, and answers are made where
/// they are sent from. It is owned by the one value, which cannot be copied, and freed with it.
struct RawBuffer: ~Copyable {
  private static let smallest = 256

  private var base: UnsafeMutableRawPointer?
  private(set) var capacity = 0
  private var start = 0
  private var end = 0

  init() {}

  deinit {
    free(base)
  }

  var count: Int { end - start }
  var isEmpty: Bool { start == end }

  /// The bytes; valid until the next change.
  var bytes: UnsafeRawBufferPointer {
    UnsafeRawBufferPointer(start: base.map { UnsafeRawPointer($0 + start) }, count: count)
  }

  mutating func append(_ bytes: UnsafeRawBufferPointer) {
    guard let source = bytes.baseAddress, bytes.count > 0 else { return }
    memcpy(room(for: bytes.count), source, bytes.count)
    end += bytes.count
  }

  mutating func append(_ bytes: [UInt8]) {
    bytes.withUnsafeBytes { append($0) }
  }

  /// Lets `write` put at most `size` bytes behind the last one; it returns how many it put there.
  @inline(__always)
  mutating func append(atMost size: Int, _ write: (UnsafeMutableRawBufferPointer) -> Int) {
    end += write(UnsafeMutableRawBufferPointer(start: room(for: size), count: size))
  }

  /// Drops `count` bytes from the start.
  mutating func consume(_ count: Int) {
    start += count
    if start == end {
      start = 0
      end = 0
    }
  }

  /// Drops everything and gives the memory back.
  mutating func release() {
    free(base)
    base = nil
    capacity = 0
    start = 0
    end = 0
  }

  /// Makes room for `count` more bytes and returns where they go.
  @inline(__always)
  private mutating func room(for count: Int) -> UnsafeMutableRawPointer {
    if let base, end + count <= capacity { return base + end }
    return moved(for: count)
  }

  private mutating func moved(for extra: Int) -> UnsafeMutableRawPointer {
    let kept = count
    if let base, kept + extra <= capacity, start >= capacity / 2 {
      memmove(base, base + start, kept)
      start = 0
      end = kept
      return base + end
    }
    // Half as much again: many small pieces are not copied over and over, and a long line does not take twice its
    // length.
    let size = max(kept + extra, capacity + capacity / 2, Self.smallest)
    guard let memory = malloc(size) else { fatalError("out of memory for \(size) bytes") }
    if let base {
      memcpy(memory, base + start, kept)
      free(base)
    }
    base = memory
    capacity = size
    start = 0
    end = kept
    return memory + end
  }
}
