extension ValueForm<AccessRule.Account> {
  static func account(_ kind: String) -> ValueForm {
    ValueForm(name: "\(kind)'s name or number, or `\"*\"` for every one") {
      (text) throws(ValueProblem) -> AccessRule.Account in
      if text == "*" { return .any }
      if text.utf8.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }), !text.isEmpty {
        // 4294967295 is (uid_t)-1, "no user".
        guard let number = UInt32(text), number != .max else {
          throw ValueProblem("\(quoted(text)) is not a \(kind)'s number")
        }
        return .number(number)
      }
      return .name(try accountName(kind).parse(text))
    } format: { account in
      switch account {
      case .any: "*"
      case .number(let number): String(number)
      case .name(let name): name
      }
    }
  }

  private static func accountName(_ kind: String) -> ValueForm<String> {
    .name("a \(kind)'s name", 1...256, also: ValueForm<String>.accountPunctuation)
  }
}

/// Refuses what no text of a configuration holds: nothing, control characters, and more than anything needs.
func plainText(_ text: String, limit: Int) throws(ValueProblem) {
  if text.isEmpty { throw ValueProblem("is empty") }
  if text.unicodeScalars.count > limit { throw ValueProblem("has more than \(limit) characters") }
  if text.unicodeScalars.contains(where: { $0.properties.generalCategory == .control }) {
    throw ValueProblem("\(quoted(text)) holds a control character")
  }
  // Always an accident, and the YAML reader drops one at the beginning.
  if text.unicodeScalars.contains("\u{feff}") { throw ValueProblem("\(quoted(text)) holds a byte-order mark") }
}

/// Whether only this host can reach the address.
func isLoopback(_ host: String) -> Bool {
  if host == "localhost" || host == "::1" { return true }
  let parts = host.split(separator: ".", omittingEmptySubsequences: false)
  guard parts.count == 4, parts[0] == "127" else { return false }
  // As inet_pton(3) reads it: without signs and further zeros.
  return parts.allSatisfy { part in UInt8(part).map { String($0) == part } ?? false }
}

/// The port that a text of digits alone names, 1 to 65535.
func portNumber(_ text: some StringProtocol) -> Int? {
  // `Int` would take a sign.
  guard text.utf8.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }), let port = Int(text) else {
    return nil
  }
  return (1...65_535).contains(port) ? port : nil
}

func isLetterOrDigit(_ scalar: Unicode.Scalar) -> Bool {
  switch scalar {
  case "a"..."z", "A"..."Z", "0"..."9": true
  default: false
  }
}
