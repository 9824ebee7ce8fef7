import CertRegSigV4

/// Makes text of the upstream fit for a log, a terminal and a caller.
struct UpstreamText {
  /// Longest message that is passed on, in characters.
  static let messageLimit = 512

  private let credentials: SigningCredentials?
  private let authorization: String?

  /// - Parameters:
  ///   - credentials: What the request was signed with.
  ///   - authorization: The value of its `Authorization` header.
  init(credentials: SigningCredentials?, authorization: String?) {
    self.credentials = credentials
    self.authorization = authorization
  }

  /// What must not be repeated, with how many bytes in a row make a match: an upstream may echo a part only. Made when there
  /// is something to clean, which most answers have nothing of.
  private var secrets: [(bytes: [UInt8], window: Int)] {
    var secrets: [(bytes: [UInt8], window: Int)] = []
    if let credentials {
      secrets.append((Array(credentials.secretAccessKey.utf8), 8))
      if let token = credentials.sessionToken { secrets.append((Array(token.utf8), 12)) }
    }
    if let authorization {
      secrets.append((Array(authorization.utf8), 20))
      if let signature = authorization.split(separator: "Signature=").last {
        secrets.append((Array(signature.utf8), 8))
      }
    }
    return secrets.filter { $0.bytes.count >= 4 }
  }

  /// `text` without what is secret, without control and invisible characters, and not longer than the limit.
  func clean(_ text: String, limit: Int = messageLimit) -> String {
    var result = ""
    var length = 0
    for character in withoutSecrets(text).unicodeScalars {
      guard length < limit else { return result + "…" }
      if UpstreamText.isVisible(character) {
        result.unicodeScalars.append(character)
        length += 1
      } else if result.last != " " {
        result.append(" ")
        length += 1
      }
    }
    return result
  }

  /// `text` where it is a short word of the characters that AWS makes IDs and names from; otherwise `nil`.
  static func identifier(_ text: String?) -> String? {
    guard let text, !text.isEmpty, text.utf8.count <= 128 else { return nil }
    let isPlain = text.utf8.allSatisfy { byte in
      switch byte {
      case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
        UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "_"), UInt8(ascii: "."),
        UInt8(ascii: "="), UInt8(ascii: "+"), UInt8(ascii: "/"):
        true
      default: false
      }
    }
    return isPlain ? text : nil
  }

  private func withoutSecrets(_ text: String) -> String {
    let bytes = Array(text.utf8)
    var isSecret = [Bool](repeating: false, count: bytes.count)
    for secret in secrets {
      let window = min(secret.window, secret.bytes.count)
      guard bytes.count >= window else { continue }
      var pieces: Set<ArraySlice<UInt8>> = []
      for start in 0...(secret.bytes.count - window) { pieces.insert(secret.bytes[start..<start + window]) }
      for start in 0...(bytes.count - window) where pieces.contains(bytes[start..<start + window]) {
        for index in start..<start + window { isSecret[index] = true }
      }
    }
    guard isSecret.contains(true) else { return text }
    var kept: [UInt8] = []
    for (index, byte) in bytes.enumerated() {
      if !isSecret[index] {
        kept.append(byte)
      } else if index == 0 || !isSecret[index - 1] {
        kept.append(contentsOf: "[removed]".utf8)
      }
    }
    return String(decoding: kept, as: UTF8.self)
  }

  /// Whether a terminal shows the character as itself: no control characters, no line and paragraph separators, no marks
  /// that change the direction of text or cannot be seen.
  private static func isVisible(_ character: Unicode.Scalar) -> Bool {
    switch character.properties.generalCategory {
    case .control, .format, .surrogate, .privateUse, .unassigned, .lineSeparator, .paragraphSeparator: false
    default: true
    }
  }
}
