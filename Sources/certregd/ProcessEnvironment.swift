import Glibc

/// What the process was started with.
enum ProcessEnvironment {
  /// The environment; of a variable that is there twice the first, as getenv(3) has it.
  static func variables() -> [String: String] {
    var variables: [String: String] = [:]
    // `environ` is read before any thread of this program could change it; nothing in it does.
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

  /// Absolute path of the working directory; `/` where it has been removed.
  static func workingDirectory() -> String {
    guard let path = getcwd(nil, 0) else { return "/" }
    defer { free(path) }
    return String(cString: path)
  }
}

/// Writes each line with an LF to a descriptor, whatever pieces the system takes it in.
func writeLines(_ lines: [String], to descriptor: Int32) {
  let text = lines.map { $0.hasSuffix("\n") ? $0 : $0 + "\n" }.joined()
  var bytes = Array(text.utf8)[...]
  while !bytes.isEmpty {
    let count = bytes.withUnsafeBytes { write(descriptor, $0.baseAddress, $0.count) }
    if count < 0, errno == EINTR { continue }
    // Nobody reads any more: there is no other place to say so.
    if count <= 0 { return }
    bytes = bytes.dropFirst(count)
  }
}
