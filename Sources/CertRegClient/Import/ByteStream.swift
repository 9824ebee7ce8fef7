import Glibc

/// Reads a file or standard input piece by piece.
final class ByteStream {
  /// Longest line or element that is read into memory: no entry with a certificate comes near it.
  static let maximumElementBytes = 4 * 1024 * 1024

  private let descriptor: Int32
  private var chunk: [UInt8] = []
  private var index = 0
  private var consumedBefore = 0
  private let size: Int?

  /// - Throws: `InputError` `unreadable`.
  init(path: FilePath) throws(InputError) {
    if path.isStandardInput {
      descriptor = STDIN_FILENO
    } else {
      descriptor = path.withCString { open($0, O_RDONLY | O_CLOEXEC) }
      guard descriptor >= 0 else { throw FileReader.unreadable(errno) }
    }
    var status = stat()
    let isFile = fstat(descriptor, &status) == 0 && status.st_mode & S_IFMT == S_IFREG
    size = isFile && status.st_size > 0 ? Int(status.st_size) : nil
  }

  deinit { if descriptor != STDIN_FILENO { close(descriptor) } }

  /// How much of the file has been taken, from 0 to 1; `nil` for what has no size.
  var fraction: Double? {
    size.map { min(1, Double(consumedBefore + index) / Double($0)) }
  }

  /// The next byte; `nil` at the end.
  func next() throws(InputError) -> UInt8? {
    guard try fill() else { return nil }
    defer { index += 1 }
    return chunk[index]
  }

  /// The byte that ``next()`` will return.
  func peek() throws(InputError) -> UInt8? {
    try fill() ? chunk[index] : nil
  }

  /// The next `count` bytes, fewer at the end, without taking them. `count` is at most what one read brings.
  func peek(_ count: Int) throws(InputError) -> ArraySlice<UInt8> {
    _ = try fill()
    return chunk[index..<min(chunk.count, index + count)]
  }

  /// The next line without its LF; `nil` at the end.
  ///
  /// - Throws: `InputError` for a line longer than ``maximumElementBytes``.
  func nextLine() throws(InputError) -> [UInt8]? {
    guard try fill() else { return nil }
    var line: [UInt8] = []
    repeat {
      if let end = chunk[index...].firstIndex(of: UInt8(ascii: "\n")) {
        line.append(contentsOf: chunk[index..<end])
        index = end + 1
        return line
      }
      line.append(contentsOf: chunk[index...])
      index = chunk.count
      guard line.count <= ByteStream.maximumElementBytes else { throw ByteStream.elementTooLong }
    } while try fill()
    return line
  }

  static let elementTooLong = InputError(
    .unreadable, "an entry has more than \(maximumElementBytes / 1_048_576) MiB: this is no list of certificates")

  private func fill() throws(InputError) -> Bool {
    if index < chunk.count { return true }
    consumedBefore += chunk.count
    index = 0
    var buffer = [UInt8](repeating: 0, count: 65_536)
    var count: Int
    repeat { count = read(descriptor, &buffer, buffer.count) } while count < 0 && errno == EINTR
    guard count >= 0 else {
      chunk = []
      throw FileReader.unreadable(errno)
    }
    buffer.removeLast(buffer.count - count)
    chunk = buffer
    return count > 0
  }
}
