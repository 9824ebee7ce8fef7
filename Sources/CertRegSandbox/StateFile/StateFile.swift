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
/// necessarily that of the machine: nothing waits for the disk. A last line without an end is a write that was cut
/// short, whose change nobody was told of; it is removed. Any other line that cannot be read is damage, and refused. A
/// file is written to only after all of it was read and is the account's register, or empty.
package struct StateFile: Sendable {
  private let file: OwnedStateFile
  /// The length of the whole lines in the file.
  private var lengthBytes: Int
  /// Why lines that no longer matter are still in the file; `nil`: there are few, or none.
  package private(set) var superfluity: StateFileError?

  private init(file: OwnedStateFile, lengthBytes: Int) {
    self.file = file
    self.lengthBytes = lengthBytes
  }

  /// Opens or creates the file and reads its content. It stays locked for the lifetime of the value.
  ///
  /// - Throws: ``StateFileError`` for a file that is damaged, in use, of another account, or cannot be opened. The file
  ///   is as it was then.
  package static func open(
    path: String, account: SandboxAccount
  ) throws(StateFileError) -> (file: StateFile, register: SandboxRegister) {
    let file = try OwnedStateFile.open(OwnedStateFile.resolve(path))
    try checkBeginning(of: file, account: account)
    let content = try file.readAll()
    let end = content.lastIndex(of: lineFeed).map { $0 + 1 } ?? 0
    let (register, lineCount) = try read(content[..<end], path: path, account: account)
    var state = StateFile(file: file, lengthBytes: end)
    if end < content.count { try file.truncate(to: end) }
    if end == 0 {
      try state.append(line: StateLine.header(account))
    } else if lineCount > 2 * register.changeCount + 100 {
      // Updates and deletions leave lines that no longer matter.
      do throws(StateFileError) {
        state = try replacement(of: file, register: register)
      } catch {
        state.superfluity = error
      }
    }
    return (state, register)
  }

  /// Checks that a file is empty or begins with the account's header, which may be cut short. Reads no more than that:
  /// a file of another program can have any size.
  private static func checkBeginning(
    of file: OwnedStateFile, account: SandboxAccount
  ) throws(StateFileError) {
    let beginning = try file.read(atMost: headerLimitBytes)
    if StateLine.header(account).starts(with: beginning) { return }
    let line = beginning.firstIndex(of: lineFeed).map { beginning[..<$0] } ?? []
    do throws(StateLineError) {
      try StateLine.checkHeader(line, account: account)
    } catch {
      throw StateFileError(file.path, line: 1, error)
    }
  }

  /// Reads whole lines, each with its end.
  private static func read(
    _ lines: ArraySlice<UInt8>, path: String, account: SandboxAccount
  ) throws(StateFileError) -> (register: SandboxRegister, lineCount: Int) {
    var register = SandboxRegister(account: account)
    var lineCount = 0
    if lines.isEmpty { return (register, 0) }
    for line in lines.dropLast().split(separator: lineFeed, omittingEmptySubsequences: false) {
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
        throw StateFileError(path, line: lineCount, error)
      }
    }
    return (register, lineCount)
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

  /// Writes `register` into a new file and puts it in the place of the old one, with the same owner and rights.
  ///
  /// - Throws: ``StateFileError`` if that fails. The old file stays as it is then.
  private static func replacement(
    of old: OwnedStateFile, register: SandboxRegister
  ) throws(StateFileError) -> StateFile {
    var content = StateLine.header(register.account) + [lineFeed]
    register.forEachChange { change in
      content += StateLine.line(change)
      content.append(lineFeed)
    }
    // No other process writes to a file of this name, and none that exists is written to.
    let file = try OwnedStateFile.create("\(old.path).new-\(getpid())")
    do throws(StateFileError) {
      try file.write(content, at: 0)
      try file.takeAttributes(of: old)
      try file.move(to: old)
    } catch {
      file.remove()
      throw error
    }
    return StateFile(file: file, lengthBytes: content.count)
  }
}

extension StateFileError {
  fileprivate init(_ path: String, line: Int, _ error: StateLineError) {
    self.init(
      code: error.isForeign ? .foreign : .damaged,
      message: "\(path): line \(line) cannot be used: \(error.reason); the file was left as it is")
  }
}

private let lineFeed = UInt8(ascii: "\n")
/// Longer than any header: an account has 12 digits, and a region is the name of one or was given on a command line.
private let headerLimitBytes = 4096
