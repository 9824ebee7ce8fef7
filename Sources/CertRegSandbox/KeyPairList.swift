package import CertRegSigV4
import FoundationEssentials

/// Why key pairs cannot be read. Holds nothing of them.
package struct KeyPairListError: Error, Hashable, Sendable {
  /// The reason, with the place of the key pair.
  package var message: String
}

/// Key pairs as `--verify-signatures` takes them: `ACCESS_KEY_ID:SECRET[:SESSION_TOKEN]`, or `@FILE` for a file that has one
/// such text a line. Empty lines and lines that begin with `#` are skipped.
package struct KeyPairList: Sendable {
  package private(set) var credentials: [SigningCredentials] = []

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
    let text: String
    do {
      text = try String(contentsOf: URL(filePath: path), encoding: .utf8)
    } catch {
      throw KeyPairListError(message: "\(path) cannot be read")
    }
    let countBefore = credentials.count
    for (index, line) in text.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline).enumerated() {
      let trimmed = line.drop { $0 == " " || $0 == "\t" }
      if trimmed.isEmpty || trimmed.hasPrefix("#") { continue }
      try append(String(trimmed), place: "line \(index + 1) of \(path)")
    }
    if credentials.count == countBefore { throw KeyPairListError(message: "\(path) has no key pair") }
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
