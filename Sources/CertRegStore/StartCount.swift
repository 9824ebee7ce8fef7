import CertRegCore
import Glibc

/// Counts the starts in a row that ended before the state was open, so that a start that is killed or crashes each time
/// does not repeat for ever.
///
/// The count is a small file that exists only during a start. It is not synchronised: after a loss of power it may be
/// too low, which costs further starts and nothing else. A full disk leaves starts uncounted.
struct StartCount {
  /// So many starts in a row may end early.
  static let limit = 5

  /// The file.
  let path: String

  /// Counts a start.
  ///
  /// - Throws: `startsInterrupted`, with what a person can do, after `limit` starts that ended early.
  func begin() throws(StoreError) {
    let count = read()
    guard count < StartCount.limit else {
      throw StoreError(
        .startsInterrupted,
        message: "\(count) starts in a row ended before the state was open: the process was killed or crashed while it "
          + "read or mended the database, which is kept. Find the cause in the log of those starts (memory, the disk, "
          + "TimeoutStartSec=), then remove \(path) and start certregd again")
    }
    write(count + 1)
  }

  /// Ends the count: the state is open, the start ended with an error that it reported, or work was saved that the next
  /// start does not repeat.
  func end() { unlink(path) }

  private func read() -> Int {
    guard let file = try? RawFile(path: path), file.sizeBytes < 20,
      let bytes = file.bytes(at: 0, count: file.sizeBytes)
    else { return 0 }
    return Int(String(decoding: bytes, as: UTF8.self)) ?? 0
  }

  private func write(_ count: Int) {
    let descriptor = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0o600)
    guard descriptor >= 0 else { return }
    let text = Array("\(count)".utf8)
    _ = Glibc.write(descriptor, text, text.count)
    Glibc.close(descriptor)
  }
}
