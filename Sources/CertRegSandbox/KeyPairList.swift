package import CertRegSigV4
import Glibc

/// Why key pairs cannot be read. Holds nothing of them.
package struct KeyPairListError: Error, Hashable, Sendable {
  /// The reason, with the place of the key pair.
  package var message: String
}

/// Key pairs as `--verify-signatures` takes them: `ACCESS_KEY_ID:SECRET[:SESSION_TOKEN]`, or `@FILE` for a file that
/// has one such text a line. Empty lines and lines that begin with `#` are skipped.
package struct KeyPairList: Sendable {
  package private(set) var credentials: [SigningCredentials] = []
  private static let limitBytes = 1 << 20

  /// Reads the values of `--verify-signatures`.
  ///
  /// - Throws: ``KeyPairListError`` for a text of another form and for a file that cannot be read or has no key pair.
  package init(_ arguments: [String]) throws(KeyPairListError) {
    for argument in arguments {
      if argument.hasPrefix("@") {
        try append(file: String(argument.dropFirst()))
      } else {
        try append(argument, place: "the command line")
      }
    }
  }

  private mutating func append(file path: String) throws(KeyPairListError) {
    guard let bytes = KeyPairList.content(of: path), let text = String(validating: bytes, as: UTF8.self) else {
      throw KeyPairListError(message: "\(path) cannot be read")
    }
    let countBefore = credentials.count
    for (index, line) in text.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline).enumerated() {
      var trimmed = line.drop { $0 == " " || $0 == "\t" }
      while trimmed.last == " " || trimmed.last == "\t" { trimmed.removeLast() }
      if trimmed.isEmpty || trimmed.hasPrefix("#") { continue }
      try append(String(trimmed), place: "line \(index + 1) of \(path)")
    }
    if credentials.count == countBefore { throw KeyPairListError(message: "\(path) has no key pair") }
  }

  /// What is in a file or comes from a pipe, from which FoundationEssentials does not read; `nil` if it cannot be read,
  /// or is longer than any list.
  private static func content(of path: String) -> [UInt8]? {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { return nil }
    defer { close(descriptor) }
    var content: [UInt8] = []
    while content.count <= limitBytes {
      let part = [UInt8](unsafeUninitializedCapacity: 4096) { buffer, count in
        count = max(0, read(descriptor, buffer.baseAddress, buffer.count))
      }
      if part.isEmpty { return content }
      content += part
    }
    return nil
  }

  private mutating func append(_ text: String, place: String) throws(KeyPairListError) {
    let parts = text.split(separator: ":", maxSplits: 2, omittingEmptySubsequences: false).map(String.init)
    guard parts.count >= 2, !parts.contains("") else {
      throw KeyPairListError(message: "the key pair on \(place) is not ACCESS_KEY_ID:SECRET[:SESSION_TOKEN]")
    }
    credentials.append(
      SigningCredentials(
        accessKeyID: parts[0], secretAccessKey: parts[1], sessionToken: parts.count > 2 ? parts[2] : nil))
  }
}
