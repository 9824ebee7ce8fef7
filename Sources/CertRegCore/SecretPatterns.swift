/// Recognises text that looks like a secret. Each pattern is one pass over the text.
struct SecretPatterns {
  let text: [UInt8]

  /// Marks each byte that is part of something that looks like a secret.
  func mark(_ marks: inout [Bool]) {
    markPrivateKeys(&marks)
    markUserInformation(&marks)
    markNamedValues(&marks)
    markWebTokens(&marks)
    markKeyIDs(&marks)
    // AWS's secrets and session tokens are base64; many other tokens are base64url (RFC 4648 sections 4 and 5).
    markRandomText(&marks) { isAlphanumeric($0) || $0 == UInt8(ascii: "+") || $0 == UInt8(ascii: "/") }
    markRandomText(&marks) { isAlphanumeric($0) || $0 == UInt8(ascii: "-") || $0 == UInt8(ascii: "_") }
  }

  /// Private keys in PEM form (RFC 7468 section 10), also without an end.
  private func markPrivateKeys(_ marks: inout [Bool]) {
    var start = 0
    while let begin = position(after: "PRIVATE KEY-----", from: start) {
      let end = position(after: "-----END", from: begin).map { $0 - 8 } ?? text.count
      for index in begin..<end { marks[index] = true }
      // The END line has the same words.
      start = position(after: "PRIVATE KEY-----", from: end) ?? text.count
    }
  }

  /// The user information of URLs (RFC 3986 section 3.2.1), and `user:password@host` without a scheme.
  private func markUserInformation(_ marks: inout [Bool]) {
    for word in words(where: { $0 > 0x20 && !#""'`<>"#.utf8.contains($0) }) {
      guard let at = text[word].lastIndex(of: UInt8(ascii: "@")) else { continue }
      let before = text[word.lowerBound..<at]
      var colon = before.firstIndex(of: UInt8(ascii: ":"))
      // The names of an AWS identity may be e-mail addresses, and ARNs hold no secrets.
      if before.starts(with: "arn:".utf8) { colon = nil }
      if let scheme = position(after: "://", from: word.lowerBound, to: at) {
        for index in scheme..<at { marks[index] = true }
      } else if colon != nil {
        for index in word.lowerBound..<at { marks[index] = true }
      }
    }
  }

  /// `secret=…`, `"password": "…"`, `--token …`, `Authorization: …`, `Bearer …`.
  private func markNamedValues(_ marks: inout [Bool]) {
    for word in words(where: { isAlphanumeric($0) || $0 == UInt8(ascii: "-") || $0 == UInt8(ascii: "_") })
    where !marks[word.lowerBound] {
      let name = String(decoding: text[word], as: UTF8.self).lowercased()
      if name == "bearer" || name == "basic" {
        markValue(from: word.upperBound, isFirmlyNamed: false, &marks)
      } else if name == "authorization" || name == "aws4-hmac-sha256" {
        let end = text[word.upperBound...].firstIndex { $0 == UInt8(ascii: "\n") } ?? text.count
        markAuthorization(word.upperBound..<end, &marks)
      } else if SecretPatterns.isSecretName(name) {
        var index = word.upperBound
        while index < text.count, text[index] == UInt8(ascii: "\"") || text[index] == UInt8(ascii: "'") { index += 1 }
        let isOption = name.hasPrefix("-")
        guard index < text.count else { continue }
        switch text[index] {
        case UInt8(ascii: "="): markValue(from: index + 1, isFirmlyNamed: true, &marks)
        case UInt8(ascii: ":"):
          // A colon with a space may also end a phrase: `InvalidToken: the token is malformed`.
          let isProse = index + 1 < text.count && text[index + 1] == 0x20 && index == word.upperBound
          markValue(from: index + 1, isFirmlyNamed: !isProse, &marks)
        case 0x20 where isOption: markValue(from: index + 1, isFirmlyNamed: true, &marks)
        default: break
        }
      }
    }
  }

  private static let secretNames = [
    "secret", "secretkey", "secret_key", "secret-key", "password", "passwd", "pwd", "passphrase", "_pass", "-pass",
    "token", "apikey", "api_key", "api-key", "accesskey",
    "access_key", "access-key", "privatekey", "private_key", "private-key", "signature", "-pin", "_pin",
  ]

  /// - Parameter name: In lower case.
  static func isSecretName(_ name: String) -> Bool {
    name == "pin" || name == "pass" || secretNames.contains { name.hasSuffix($0) }
  }

  /// Marks the value that begins at `start`, behind spaces and quotes.
  ///
  /// - Parameter isFirmlyNamed: Otherwise a short word of letters alone is taken for prose.
  private func markValue(from start: Int, isFirmlyNamed: Bool, _ marks: inout [Bool]) {
    var begin = start
    while begin < text.count, " \"'\\".utf8.contains(text[begin]) { begin += 1 }
    let value = text[begin...].prefix { $0 > 0x20 && !#""',;&<>)]}"#.utf8.contains($0) }
    guard isFirmlyNamed || value.count >= 12 || value.contains(where: { !isLetter($0) }) else { return }
    for index in value.indices { marks[index] = true }
  }

  /// Marks the credentials of an `Authorization` header: up to the signature, else to the end of the line or a quote.
  private func markAuthorization(_ range: Range<Int>, _ marks: inout [Bool]) {
    guard let first = text[range].firstIndex(where: { !" :=\"'".utf8.contains($0) }) else { return }
    var end = text[first..<range.upperBound].firstIndex { #""'"#.utf8.contains($0) } ?? range.upperBound
    // Prose: `Authorization header requires …`.
    let isHeader = text[range.lowerBound..<first].contains { $0 == UInt8(ascii: ":") || $0 == UInt8(ascii: "=") }
    if let signature = position(after: "Signature=", from: first, to: end) {
      end = text[signature..<end].firstIndex { !isAlphanumeric($0) } ?? end
    } else if !isHeader {
      return
    }
    for index in first..<end { marks[index] = true }
  }

  /// JSON Web Tokens (RFC 7519): the base64url of `{"`, and what belongs to it.
  private func markWebTokens(_ marks: inout [Bool]) {
    for word in words(where: { isAlphanumeric($0) || "-_.=".utf8.contains($0) }) {
      guard let start = position(after: "eyJ", from: word.lowerBound, to: word.upperBound).map({ $0 - 3 }),
        word.upperBound - start >= 16
      else { continue }
      for index in start..<word.upperBound { marks[index] = true }
    }
  }

  /// IDs of AWS access keys (IAM User Guide, "Unique identifiers"): keys of users and temporary ones.
  private func markKeyIDs(_ marks: inout [Bool]) {
    for word in words(where: { isUpper($0) || isDigit($0) }) where (16...128).contains(word.count) {
      guard text[word].starts(with: "AKIA".utf8) || text[word].starts(with: "ASIA".utf8) else { continue }
      for index in word { marks[index] = true }
    }
  }

  /// Text that looks random: in words and paths the kind of character changes seldom, in base64 at every other
  /// character. Hexadecimal text has letters of one case and is not taken for random: fingerprints and IDs are written
  /// so.
  private func markRandomText(_ marks: inout [Bool], where belongs: (UInt8) -> Bool) {
    for word in words(where: belongs) where word.count >= 32 {
      var changes = 0
      for index in word.dropFirst() {
        let (last, this) = (kind(text[index - 1]), kind(text[index]))
        if last != this, last != .other, this != .other { changes += 1 }
      }
      // AWS's secrets have exactly 40 characters, and words of that length are rare.
      let isRandom = word.count == 40 ? changes >= 8 : changes * 8 >= word.count * 3
      guard isRandom, text[word].contains(where: isUpper), text[word].contains(where: isLower) else { continue }
      for index in word { marks[index] = true }
    }
  }

  private enum Kind { case upper, lower, digit, other }

  private func kind(_ byte: UInt8) -> Kind {
    isUpper(byte) ? .upper : isLower(byte) ? .lower : isDigit(byte) ? .digit : .other
  }

  /// The longest runs of bytes that belong to a word.
  private func words(where belongs: (UInt8) -> Bool) -> [Range<Int>] {
    text.indices.split { !belongs(text[$0]) }
  }

  /// The index behind the first occurrence of `pattern`.
  private func position(after pattern: StaticString, from start: Int, to end: Int? = nil) -> Int? {
    let end = end ?? text.count
    return pattern.withUTF8Buffer { pattern in
      guard start + pattern.count <= end else { return nil }
      for index in start...(end - pattern.count)
      where text[index] == pattern[0] && text[index..<index + pattern.count].elementsEqual(pattern) {
        return index + pattern.count
      }
      return nil
    }
  }
}

private func isUpper(_ byte: UInt8) -> Bool { (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(byte) }
private func isLower(_ byte: UInt8) -> Bool { (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte) }
private func isDigit(_ byte: UInt8) -> Bool { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) }
private func isLetter(_ byte: UInt8) -> Bool { isUpper(byte) || isLower(byte) }
private func isAlphanumeric(_ byte: UInt8) -> Bool { isLetter(byte) || isDigit(byte) }
