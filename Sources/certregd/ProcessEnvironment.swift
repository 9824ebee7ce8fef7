import Glibc

/// The environment and the arguments of the process.
enum ProcessEnvironment {
  /// The environment. If a variable occurs twice, the first value counts, as in getenv(3).
  static func variables() -> [String: String] {
    var variables: [String: String] = [:]
    // Reading `environ` is safe: no thread of this program ever changes it.
    var entry = environ
    while let text = entry.pointee {
      let line = String(cString: text)
      if let separator = line.firstIndex(of: "=") {
        let name = String(line[..<separator])
        if variables[name] == nil { variables[name] = String(line[line.index(after: separator)...]) }
      }
      entry += 1
    }
    return variables
  }

  /// The command line, which begins with the program's name.
  ///
  /// Swift looks for the arguments next to the environment in memory. A preloaded library that changes the environment
  /// before the program starts, such as libfaketime, moves the environment. `CommandLine.arguments` is then empty; the
  /// kernel's record is complete.
  static func commandLine() -> [String] {
    guard let file = fopen("/proc/self/cmdline", "rb") else { return CommandLine.arguments }
    defer { fclose(file) }
    var bytes: [UInt8] = []
    var chunk = [UInt8](repeating: 0, count: 4096)
    while true {
      let count = fread(&chunk, 1, chunk.count, file)
      if count == 0 { break }
      bytes += chunk[..<count]
    }
    // Each argument ends with a NUL.
    let arguments = bytes.split(separator: 0, omittingEmptySubsequences: false).dropLast()
    return arguments.map { String(decoding: $0, as: UTF8.self) }
  }

  /// The absolute path of the working directory; `/` if the directory was removed.
  static func workingDirectory() -> String {
    guard let path = getcwd(nil, 0) else { return "/" }
    defer { free(path) }
    return String(cString: path)
  }
}

/// Writes each line with an LF to a descriptor, with as many calls of write(2) as it takes.
///
/// - Returns: 0, or the number in errno(3) that says why not everything was written.
@discardableResult
func writeLines(_ lines: [String], to descriptor: Int32) -> Int32 {
  let text = lines.map { $0.hasSuffix("\n") ? $0 : $0 + "\n" }.joined()
  var bytes = Array(text.utf8)[...]
  while !bytes.isEmpty {
    let count = bytes.withUnsafeBytes { write(descriptor, $0.baseAddress, $0.count) }
    if count >= 0 {
      bytes = bytes.dropFirst(count)
      continue
    }
    switch errno {
    case EINTR: break
    case EAGAIN:
      // Whoever shares the descriptor has made it non-blocking.
      var room = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
      poll(&room, 1, -1)
    case let code: return code
    }
  }
  return 0
}
