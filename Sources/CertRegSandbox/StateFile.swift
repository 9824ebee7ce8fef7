import CertRegCore
import Glibc

/// Why a state file cannot be used.
package struct StateFileError: Error, Hashable, Sendable {
  /// The kinds of errors.
  package enum Code: Hashable, Sendable {
    /// A line has a form that the sandbox does not write.
    case damaged
    /// The file belongs to another account, region or version of the program.
    case foreign
    /// Another process has it open.
    case inUse
    /// The system refused to open, read or write it.
    case failed
  }

  /// The kind of the error.
  package var code: Code
  /// For people; names the file.
  package var message: String
}

/// A register kept in a file: a line that names its account, then a line of JSON for every change.
///
/// A change is in the file before its answer is sent, so that it survives the end of the process, though not
/// necessarily that of the machine: nothing waits for the disk. A last line without an end is a write that was cut short,
/// whose change nobody was told of; it is removed. Any other line that cannot be read is damage, and refused.
package struct StateFile: Sendable {
  private let path: String
  private let file: OpenFile
  /// The length of the whole lines in the file.
  private var lengthBytes: Int

  private init(path: String, file: OpenFile, lengthBytes: Int) {
    self.path = path
    self.file = file
    self.lengthBytes = lengthBytes
  }

  /// Opens or creates the file and reads its content. It stays locked for the lifetime of the value.
  ///
  /// - Throws: ``StateFileError`` for a file that is damaged, in use, of another account, or cannot be opened.
  package static func open(
    path: String, account: SandboxAccount
  ) throws(StateFileError) -> (file: StateFile, register: SandboxRegister) {
    let file = try OpenFile(path: path)
    try file.lock()
    let content = try file.readAll()
    let end = content.lastIndex(of: lineFeed).map { $0 + 1 } ?? 0
    var state = StateFile(path: path, file: file, lengthBytes: end)
    var register = SandboxRegister(account: account)
    if end < content.count { try file.truncate(to: end) }
    if end == 0 {
      try state.append(line: StateLine.header(account))
      return (state, register)
    }
    var lineCount = 0
    for line in content[..<(end - 1)].split(separator: lineFeed, omittingEmptySubsequences: false) {
      lineCount += 1
      do throws(StateLineError) {
        if lineCount == 1 {
          try StateLine.checkHeader(line, account: account)
        } else {
          guard register.apply(try StateLine.change(line)) else {
            throw StateLineError("it does not fit those before it")
          }
        }
      } catch {
        throw StateFileError(
          code: error.isForeign ? .foreign : .damaged,
          message: "\(path): line \(lineCount) cannot be used: \(error.reason)")
      }
    }
    // Updates and deletions leave lines that no longer matter.
    if lineCount > 2 * register.count + 100 {
      state = try replacement(path: path, register: register)
    }
    return (state, register)
  }

  /// Adds a change.
  ///
  /// - Throws: ``StateFileError`` with `failed` if the file cannot be written; the file is then as before.
  package mutating func append(_ change: RegisterChange) throws(StateFileError) {
    try append(line: StateLine.line(change))
  }

  private mutating func append(line: [UInt8]) throws(StateFileError) {
    do throws(StateFileError) {
      try file.write(line + [lineFeed], at: lengthBytes)
    } catch {
      // What was written of the line would spoil the next one.
      try file.truncate(to: lengthBytes)
      throw error
    }
    lengthBytes += line.count + 1
  }

  /// Writes `register` into a new file and puts it in the place of the old one.
  private static func replacement(path: String, register: SandboxRegister) throws(StateFileError) -> StateFile {
    let newPath = path + ".new"
    let file = try OpenFile(path: newPath)
    try file.lock()
    try file.truncate(to: 0)
    var content = StateLine.header(register.account) + [lineFeed]
    for certificate in register.certificates {
      content += StateLine.line(.register(certificate))
      content.append(lineFeed)
    }
    try file.write(content, at: 0)
    guard rename(newPath, path) == 0 else { throw OpenFile.failure(path, "replace") }
    return StateFile(path: path, file: file, lengthBytes: content.count)
  }
}

private let lineFeed = UInt8(ascii: "\n")

/// A descriptor that is closed with its last owner.
private final class OpenFile: Sendable {
  private let path: String
  private let descriptor: Int32

  init(path: String) throws(StateFileError) {
    self.path = path
    // A pipe without a reader or a writer would hold up the opening.
    descriptor = Glibc.open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NONBLOCK, 0o644)
    guard descriptor >= 0 else { throw OpenFile.failure(path, "open") }
    var status = stat()
    guard fstat(descriptor, &status) == 0 else { throw OpenFile.failure(path, "look at") }
    guard status.st_mode & S_IFMT == S_IFREG else {
      throw StateFileError(code: .failed, message: "\(path): not a regular file")
    }
  }

  deinit {
    guard descriptor >= 0 else { return }
    // Given up by name: a child that was forked a moment ago has the descriptor, and with it the lock, until it executes.
    flock(descriptor, LOCK_UN)
    close(descriptor)
  }

  func lock() throws(StateFileError) {
    guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
      if errno == EWOULDBLOCK {
        throw StateFileError(code: .inUse, message: "\(path): another process has the file open")
      }
      throw OpenFile.failure(path, "lock")
    }
  }

  func readAll() throws(StateFileError) -> [UInt8] {
    var content: [UInt8] = []
    var piece = [UInt8](repeating: 0, count: 1 << 16)
    while true {
      let count = pread(descriptor, &piece, piece.count, content.count)
      if count == 0 { return content }
      if count > 0 {
        content += piece.prefix(count)
      } else if errno != EINTR {
        throw OpenFile.failure(path, "read")
      }
    }
  }

  func write(_ bytes: [UInt8], at offset: Int) throws(StateFileError) {
    var written = 0
    while written < bytes.count {
      let count = bytes.withUnsafeBytes { buffer in
        let rest = UnsafeRawBufferPointer(rebasing: buffer[written...])
        return pwrite(descriptor, rest.baseAddress, rest.count, offset + written)
      }
      if count >= 0 {
        written += count
      } else if errno != EINTR {
        throw OpenFile.failure(path, "write")
      }
    }
  }

  func truncate(to lengthBytes: Int) throws(StateFileError) {
    guard ftruncate(descriptor, lengthBytes) == 0 else { throw OpenFile.failure(path, "truncate") }
  }

  /// The error of the system call that has just failed.
  static func failure(_ path: String, _ action: String) -> StateFileError {
    StateFileError(code: .failed, message: "\(path): cannot \(action): \(String(cString: strerror(errno)))")
  }
}
