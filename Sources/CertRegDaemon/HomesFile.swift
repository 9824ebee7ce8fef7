import CertRegCodec
import CertRegCore
import CertRegHost
import Glibc
import Logging
import Synchronization

/// `certregd.homes` in the state directory: what was learnt of where results belong, a JSON object on each line.
///
/// Notes are written one after the other on a worker thread. A crash may lose the last one. The next process learns it
/// from the next ARN.
final class HomesFile: Sendable {
  private struct State {
    var waiting: [TargetHomes.Note] = []
    var isWriting = false
  }

  private let path: String
  private let logger: Logger
  /// Protects the notes that wait to be written.
  private let state = Mutex(State())

  private init(path: String, logger: Logger) {
    self.path = path
    self.logger = logger
  }

  /// Reads what earlier processes wrote. A file with far more lines than it needs is written anew.
  ///
  /// - Throws: The file's fault.
  static func open(
    in directory: String, logger: Logger
  ) throws(DaemonError) -> (file: HomesFile, homes: TargetHomes) {
    let file = HomesFile(path: directory + "/certregd.homes", logger: logger)
    let (notes, lines) = try file.read()
    if notes.count < lines { logger.warning("\(file.path): \(lines - notes.count) damaged line(s) were passed over") }
    let homes = TargetHomes(notes)
    let needed = homes.notes
    if lines > 2 * needed.count + 100 { try file.replace(with: needed) }
    return (file, homes)
  }

  /// Keeps notes for later processes, on a worker thread.
  func append(_ notes: [TargetHomes.Note], on workers: WorkQueue) {
    let begins = state.withLock { state in
      state.waiting += notes
      defer { state.isWriting = true }
      return !state.isWriting
    }
    if begins { workers.submit { self.writeWaiting() } }
  }

  /// Writes the notes that wait. It waits for the disk.
  func writeWaiting() {
    while true {
      let notes = state.withLock { state in
        defer { state.waiting = [] }
        state.isWriting = !state.waiting.isEmpty
        return state.waiting
      }
      if notes.isEmpty { return }
      do throws(DaemonError) { try write(notes, to: path, flags: O_APPEND) } catch {
        logger.warning("\(error.description)")
        // They go with the next note. A line that was written twice says nothing else.
        return state.withLock { state in
          state.waiting = notes + state.waiting
          state.isWriting = false
        }
      }
    }
  }

  // MARK: The file

  private func read() throws(DaemonError) -> (notes: [TargetHomes.Note], lines: Int) {
    let descriptor = Glibc.open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW)
    guard descriptor >= 0 else {
      if errno == ENOENT { return ([], 0) }
      throw fault("cannot be read")
    }
    defer { close(descriptor) }
    var bytes: [UInt8] = []
    var chunk = [UInt8](repeating: 0, count: 65_536)
    while true {
      let count = Glibc.read(descriptor, &chunk, chunk.count)
      if count < 0, errno == EINTR { continue }
      guard count >= 0 else { throw fault("cannot be read") }
      if count == 0 { break }
      bytes += chunk[..<count]
    }
    let lines = bytes.split(separator: UInt8(ascii: "\n"))
    return (lines.compactMap { TargetHomes.Note(json: Array($0)) }, lines.count)
  }

  /// Puts a file with `notes` in the place of the present one.
  private func replace(with notes: [TargetHomes.Note]) throws(DaemonError) {
    let new = path + ".new"
    unlink(new)
    try write(notes, to: new, flags: O_EXCL)
    guard rename(new, path) == 0 else { throw fault("cannot be replaced") }
    try syncDirectory()
  }

  /// Makes the file's name durable: a file that is new, or has taken another one's place, may otherwise be gone after a
  /// loss of power (fsync(2)).
  private func syncDirectory() throws(DaemonError) {
    let end = path.utf8.lastIndex(of: UInt8(ascii: "/")).map { String(path[..<$0]) } ?? "."
    let descriptor = Glibc.open(end, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    guard descriptor >= 0 else { throw fault("cannot be written") }
    defer { close(descriptor) }
    guard fsync(descriptor) == 0 else { throw fault("cannot be written") }
  }

  private func write(_ notes: [TargetHomes.Note], to path: String, flags: Int32) throws(DaemonError) {
    let descriptor = Glibc.open(path, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW | flags, 0o600)
    guard descriptor >= 0 else { throw fault("cannot be written") }
    defer { close(descriptor) }
    let isNew = lseek(descriptor, 0, SEEK_END) == 0
    var rest = notes.flatMap(\.line)[...]
    while !rest.isEmpty {
      let count = rest.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
      if count < 0, errno == EINTR { continue }
      guard count > 0 else { throw fault("cannot be written") }
      rest = rest.dropFirst(count)
    }
    guard fdatasync(descriptor) == 0 else { throw fault("cannot be written") }
    if isNew { try syncDirectory() }
  }

  private func fault(_ what: String) -> DaemonError {
    DaemonError(HostError(.failed, message: "\(path) \(what): \(String(cString: strerror(errno)))"))
  }
}

extension TargetHomes.Note {
  /// Reads a line of the file; `nil`: it is damaged.
  fileprivate init?(json: [UInt8]) {
    guard let value = try? JSONValue(parsing: json), let target = value["target"]?.string,
      let location = value["location"]?.string
    else { return nil }
    self.init(
      target: TargetName(target), location: UpstreamLocation(description: location),
      account: value["account"]?.string.flatMap { AccountPrefix(rawValue: $0) }, signer: value["signer"]?.string)
  }

  /// The line with its LF. It begins with an LF, so that a line that a crash cut short damages no other.
  fileprivate var line: [UInt8] {
    var writer = JSONWriter()
    writer.beginObject()
    writer.member("target", target.rawValue)
    writer.member("location", location.description)
    writer.member("account", ifPresent: account?.rawValue)
    writer.member("signer", ifPresent: signer)
    writer.endObject()
    return [UInt8(ascii: "\n")] + writer.line()
  }
}
