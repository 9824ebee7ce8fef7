/// Takes secrets out of text from outside: the secrets that the caller knows, and everything that looks like a secret.
///
/// Text of an upstream, a helper program or a setting passes through a mask before it becomes part of a message. The
/// cost is linear in the text, and only the first `inputLimitBytes` are looked at.
package struct SecretMask: Sendable {
  /// Stands in place of each secret.
  package static let replacement = "[removed]"
  /// The rest of a longer text is dropped.
  package static let inputLimitBytes = 8192
  private static let cutMarginBytes = 64
  /// Shorter secrets are not looked for: they would match inside ordinary words.
  private static let shortestSecret = 4

  private struct Known: Sendable {
    var bytes: [UInt8]
    /// How many bytes in a row make a match. The text may repeat only a part of the secret.
    var window: Int
  }

  private var known: [Known] = []

  /// - Parameter secrets: Secrets to look for beside the patterns.
  package init(_ secrets: [String] = []) {
    for secret in secrets { add(secret) }
  }

  /// Adds a secret to look for.
  ///
  /// - Parameters:
  ///   - secret: The secret; a very short one is not looked for.
  ///   - window: How many bytes of the secret in a row make a match. Secrets that consist of ordinary words,
  ///     such as an `Authorization` header, need a larger window.
  package mutating func add(_ secret: String, window: Int = 8) {
    let bytes = Array(secret.utf8.prefix(SecretMask.inputLimitBytes))
    guard bytes.count >= SecretMask.shortestSecret else { return }
    known.append(Known(bytes: bytes, window: min(window, bytes.count)))
  }

  /// `text` with the replacement in place of each secret.
  package func masked(_ text: String) -> String {
    var bytes = Array(text.utf8.prefix(SecretMask.inputLimitBytes))
    let isCut = text.utf8.count > bytes.count
    let marks = marks(bytes)
    if isCut {
      // What the cut leaves of a secret may be too short to be recognised.
      bytes.removeLast(SecretMask.cutMarginBytes)
      while let last = bytes.popLast(), last & 0xc0 == 0x80 {}
    }
    guard isCut || marks.contains(true) else { return text }
    var kept: [UInt8] = []
    for (index, byte) in bytes.enumerated() {
      if !marks[index] {
        kept.append(byte)
      } else if index == 0 || !marks[index - 1] {
        kept.append(contentsOf: SecretMask.replacement.utf8)
      }
    }
    return String(decoding: kept, as: UTF8.self) + (isCut ? "…" : "")
  }

  /// The parts of `text` that look like secrets, for adding them to another mask.
  package static func lookalikes(in text: String) -> [String] {
    let bytes = Array(text.utf8.prefix(inputLimitBytes))
    let marks = SecretMask().marks(bytes)
    return marks.indices.split { !marks[$0] }.map { String(decoding: bytes[$0], as: UTF8.self) }
  }

  /// Whether a setting, variable or option of that name holds a secret: `AWS_SECRET_ACCESS_KEY`, `--token`.
  package static func isSecretName(_ name: String) -> Bool {
    SecretPatterns.isSecretName(name.lowercased())
  }

  private func marks(_ bytes: [UInt8]) -> [Bool] {
    var marks = [Bool](repeating: false, count: bytes.count)
    for secret in known where bytes.count >= secret.window {
      var pieces: Set<ArraySlice<UInt8>> = []
      for start in 0...(secret.bytes.count - secret.window) {
        pieces.insert(secret.bytes[start..<start + secret.window])
      }
      for start in 0...(bytes.count - secret.window) where pieces.contains(bytes[start..<start + secret.window]) {
        for index in start..<start + secret.window { marks[index] = true }
      }
    }
    SecretPatterns(text: bytes).mark(&marks)
    return marks
  }
}
