import Glibc

/// What proc(5) tells of a process.
package struct ProcessFacts: Hashable, Sendable {
  /// Real, effective, saved and file-system user.
  package var userIDs: [UInt32]
  /// Real, effective, saved and file-system group.
  package var groupIDs: [UInt32]
  /// Further groups, whose rights the process has.
  package var supplementaryGroupIDs: [UInt32]
  /// The executable file; `nil` where this user may not know it.
  package var executable: FileIdentity?
  /// The name that the process was started by, without its folder.
  package var name: String
  /// The arguments without the program's name.
  package var arguments: [String]
  /// `nil` where this user may not know it.
  package var environment: [String: String]?
  /// `nil` where this user may not know it.
  package var workingDirectory: String?

  package init(
    userIDs: [UInt32], groupIDs: [UInt32], supplementaryGroupIDs: [UInt32] = [], executable: FileIdentity?,
    name: String, arguments: [String], environment: [String: String]?, workingDirectory: String? = nil
  ) {
    self.userIDs = userIDs
    self.groupIDs = groupIDs
    self.supplementaryGroupIDs = supplementaryGroupIDs
    self.executable = executable
    self.name = name
    self.arguments = arguments
    self.environment = environment
    self.workingDirectory = workingDirectory
  }

  /// Reads the facts about the process with this number; `nil` where there is none.
  init?(processID: Int32) {
    guard processID > 0, let folder = ProcessFolder(processID: processID) else { return nil }
    let before = folder.executable
    guard let status = folder.contents("status"), let commandLine = folder.contents("cmdline") else { return nil }
    userIDs = ProcessFacts.numbers("Uid:", in: status)
    groupIDs = ProcessFacts.numbers("Gid:", in: status)
    supplementaryGroupIDs = ProcessFacts.numbers("Groups:", in: status)
    let words = ProcessFacts.fields(commandLine)
    name = words.first?.split(separator: "/", omittingEmptySubsequences: false).last.map(String.init) ?? ""
    arguments = Array(words.dropFirst())
    environment = folder.contents("environ").map { text in
      Dictionary(ProcessFacts.fields(text).compactMap(ProcessFacts.variable)) { first, _ in first }
    }
    workingDirectory = folder.target(of: "cwd")
    executable = folder.executable
    // The process began to run another program while it was looked at.
    guard before == executable else { return nil }
  }

  /// The numbers of a line of `/proc/PID/status`.
  private static func numbers(_ name: String, in status: String) -> [UInt32] {
    let line = status.split(separator: "\n").first { $0.hasPrefix(name) }
    return line?.dropFirst(name.count).split(whereSeparator: \.isWhitespace).compactMap { UInt32($0) } ?? []
  }

  private static func variable(_ text: String) -> (String, String)? {
    text.firstIndex(of: "=").map { (String(text[..<$0]), String(text[text.index(after: $0)...])) }
  }

  /// The texts of a list in which each is ended by a NUL.
  private static func fields(_ text: String) -> [String] {
    text.split(separator: "\0", omittingEmptySubsequences: false).dropLast().map(String.init)
  }
}

/// `/proc/PID`, held open: once the process has ended, reads fail instead of reaching another process with its number.
private final class ProcessFolder {
  /// Command lines and environments are at most a quarter of the stack limit, as a rule 2 MiB (execve(2)).
  private static let maximumBytes = 8 * 1024 * 1024

  private let descriptor: Int32

  init?(processID: Int32) {
    descriptor = open("/proc/\(processID)", O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    guard descriptor >= 0 else { return nil }
  }

  deinit { close(descriptor) }

  /// The file that the process runs.
  var executable: FileIdentity? {
    var status = stat()
    return fstatat(descriptor, "exe", &status, 0) == 0 ? FileIdentity(status) : nil
  }

  func target(of name: String) -> String? {
    var buffer = [UInt8](repeating: 0, count: 4096)
    let count = buffer.withUnsafeMutableBytes { bytes in
      bytes.withMemoryRebound(to: CChar.self) { characters in
        characters.baseAddress.map { readlinkat(descriptor, name, $0, characters.count) } ?? -1
      }
    }
    guard (1..<buffer.count).contains(count) else { return nil }
    let target = String(decoding: buffer[..<count], as: UTF8.self)
    // The kernel's mark for a folder that was removed (proc(5)).
    return target.hasSuffix(" (deleted)") ? nil : target
  }

  func contents(_ name: String) -> String? {
    let file = openat(descriptor, name, O_RDONLY | O_CLOEXEC)
    guard file >= 0 else { return nil }
    defer { close(file) }
    var bytes: [UInt8] = []
    var chunk = [UInt8](repeating: 0, count: 65_536)
    while bytes.count < ProcessFolder.maximumBytes {
      let count = read(file, &chunk, chunk.count)
      if count == 0 { return String(decoding: bytes, as: UTF8.self) }
      guard count > 0 else { return nil }
      bytes += chunk[..<count]
    }
    return nil
  }
}
