extension ValueForm<String> {
  /// Any text of at most `limit` characters.
  static func text(_ name: String, limit: Int = 1024, _ check: @escaping @Sendable (String) -> String? = { _ in nil })
    -> ValueForm
  {
    ValueForm(name: name) { (text) throws(ValueProblem) -> String in
      try plainText(text, limit: limit)
      if let fault = check(text) { throw ValueProblem("\(quoted(text)) \(fault)") }
      return text
    } format: {
      $0
    }
  }

  /// An absolute path.
  static func path(limitBytes: Int = 4095, _ limitReason: String = "PATH_MAX") -> ValueForm {
    ValueForm(name: "absolute path", role: .path) { (text) throws(ValueProblem) -> String in
      try plainText(text, limit: 4096)
      guard text.hasPrefix("/") else {
        throw ValueProblem("\(quoted(text)) is not an absolute path: it has to begin with /")
      }
      if text.utf8.count > limitBytes {
        throw ValueProblem(
          "\(quoted(text)) has \(text.utf8.count) bytes; at most \(limitBytes) are possible (\(limitReason))")
      }
      if text.hasSuffix("/"), text != "/" { throw ValueProblem("\(quoted(text)) ends with /: leave that out") }
      return text
    } format: {
      $0
    }
  }

  /// The path of a Unix socket.
  static let socketPath = path(limitBytes: 107, "sun_path of unix(7)")

  /// A word made of the given characters; `meaning` completes "… is not".
  static func name(
    _ meaning: String, _ length: ClosedRange<Int>, also punctuation: String
  ) -> ValueForm {
    text(meaning, limit: 4096) { text in
      let allowed = text.unicodeScalars.allSatisfy { isLetterOrDigit($0) || punctuation.unicodeScalars.contains($0) }
      return allowed && length.contains(text.unicodeScalars.count)
        ? nil
        : "is not \(meaning): \(length.lowerBound) to \(length.upperBound) letters, digits or \(spaced(punctuation))"
    }
  }

  /// A group as chown(1) takes it.
  static let accountNameOrNumber = name("a group's name or number", 1...256, also: accountPunctuation)

  /// What useradd(8) takes, and the `DOMAIN\name` and `name@domain` of directories.
  static let accountPunctuation = "._-$@\\+"

  static let targetName = name("a target's name", 1...64, also: "_-")

  /// Lower-case letters, digits and hyphens only: the region becomes a part of a host name.
  static let region = text("region such as `eu-central-1`", limit: 4096) { text in
    let allowed = text.utf8.allSatisfy { isLowerCaseOrDigit($0) || $0 == UInt8(ascii: "-") }
    return allowed && (1...63).contains(text.utf8.count) && !text.hasPrefix("-") && !text.hasSuffix("-")
      ? nil : "is not a region such as eu-central-1"
  }

  /// An Amazon resource name, `arn:PARTITION:SERVICE:REGION:ACCOUNT:RESOURCE`, of the given service.
  static func arn(_ service: String) -> ValueForm {
    text("ARN of \(service)", limit: 2048) { text in
      let parts = text.split(separator: ":", maxSplits: 5, omittingEmptySubsequences: false)
      let allowed = text.utf8.allSatisfy { (0x21...0x7e).contains($0) }
      return allowed && parts.count == 6 && parts[0] == "arn" && !parts[1].isEmpty && parts[2] == service
        && !parts[5].isEmpty
        ? nil : "is not an ARN of \(service) (arn:aws:\(service):\(service == "iam" ? "" : "REGION"):ACCOUNT:RESOURCE)"
    }
  }

  static let httpURL = url(schemes: ["http", "https"], meaning: "URL (`https://` or `http://`)")

  /// The host of a proxy; a password would be a secret and is refused.
  static let proxyURL = url(schemes: ["http"], meaning: "`http://HOST:PORT`", allowsPath: false)

  /// A host name, or a URL of it with `https://`.
  static let hostOrURL = ValueForm(name: "host name") { (text) throws(ValueProblem) -> String in
    _ = try WebAddress.parse(text.contains("://") ? text : "https://\(text)", schemes: ["https"], written: text)
    return text
  } format: {
    $0
  }

  private static func url(schemes: [String], meaning: String, allowsPath: Bool = true) -> ValueForm {
    ValueForm(name: meaning) { (text) throws(ValueProblem) -> String in
      let address = try WebAddress.parse(text, schemes: schemes, written: text)
      if !allowsPath, address.path != "", address.path != "/" {
        throw ValueProblem("\(quoted(text)) has a path, which means nothing here")
      }
      return text
    } format: {
      $0
    }
  }
}

extension ValueForm<UInt32> {
  /// Permission bits in octal.
  static let fileMode = ValueForm(name: "octal mode such as `\"0660\"`") { (text) throws(ValueProblem) -> UInt32 in
    let digits = text.hasPrefix("0o") ? text.dropFirst(2) : text.dropFirst(text.hasPrefix("0") ? 1 : 0)
    // `UInt32` would take a sign.
    guard (1...4).contains(digits.count), digits.utf8.allSatisfy({ (0x30...0x37).contains($0) }),
      let mode = UInt32(digits, radix: 8)
    else { throw ValueProblem("\(quoted(text)) is not an octal mode such as \"0660\"") }
    guard mode <= 0o777 else { throw ValueProblem("\(quoted(text)) is out of range: 0000 to 0777") }
    guard text.hasPrefix("0") else {
      throw ValueProblem(
        "\(quoted(text)) does not begin with 0, so that it could be octal or decimal: write the mode in octal, in quotes"
          + " and with a leading 0 (YAML 1.1 reads an unquoted 0660 as the number 432, YAML 1.2 as 660; certregd always"
          + " reads octal)",
        suggestion: "0\(text)")
    }
    return mode
  } format: {
    let digits = String($0, radix: 8)
    return String(repeating: "0", count: max(1, 4 - digits.count)) + digits
  }
}

extension ValueForm<MetricsSettings.Listen> {
  static let metricsListen = ValueForm(name: "loopback `HOST:PORT`, or the absolute path of a Unix socket") {
    (text) throws(ValueProblem) -> MetricsSettings.Listen in
    let path = text.hasPrefix("unix:") ? String(text.dropFirst(5)) : text
    if path.hasPrefix("/") { return .unix(path: try ValueForm<String>.socketPath.parse(path)) }
    let form = "\(quoted(text)) is neither an address such as 127.0.0.1:9464 nor the absolute path of a Unix socket"
    guard let colon = text.lastIndex(of: ":") else {
      throw ValueProblem(form, suggestion: UInt16(text).map { "127.0.0.1:\($0)" })
    }
    let host = text[..<colon]
    guard let port = portNumber(text[text.index(after: colon)...]) else { throw ValueProblem(form) }
    let bare = host.hasPrefix("[") && host.hasSuffix("]") ? host.dropFirst().dropLast() : host
    guard host == bare ? !host.contains(":") : bare.contains(":") else { throw ValueProblem(form) }
    guard isLoopback(String(bare)) else {
      throw ValueProblem(
        "\(quoted(text)) is not a loopback address: the metrics have no access control, so they are served on this host only",
        suggestion: "127.0.0.1:\(port)")
    }
    return .tcp(host: String(bare), port: port)
  } format: { listen in
    switch listen {
    case .tcp(let host, let port): host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)"
    case .unix(let path): path
    }
  }
}

extension ValueForm<String?> {
  /// `sqlite`, or `sqlite://` and the absolute path of the database, whose name is fixed.
  static let storeURL = ValueForm(name: "`sqlite` or `sqlite:///FOLDER/certregd.db`") {
    (text) throws(ValueProblem) -> String? in
    if text == "sqlite" { return nil }
    let scheme = "sqlite://"
    guard text.hasPrefix(scheme) else {
      throw ValueProblem(
        "\(quoted(text)) is neither sqlite nor a URL sqlite:///FOLDER/certregd.db: state can be kept in SQLite alone")
    }
    let path = String(text.dropFirst(scheme.count))
    guard !path.contains("?"), !path.contains("#"), !path.contains("%") else {
      throw ValueProblem("\(quoted(text)) may not hold ?, # or %: the path is taken as it is written")
    }
    guard path.hasPrefix("/") else {
      throw ValueProblem(
        "\(quoted(text)) has no absolute path: that begins with a third /, as in sqlite:///FOLDER/certregd.db")
    }
    guard path.hasSuffix("/certregd.db") else {
      throw ValueProblem(
        "\(quoted(text)) has to end with /certregd.db: the folder can be chosen, the name of the file cannot")
    }
    guard path != "/certregd.db" else {
      throw ValueProblem("\(quoted(text)) is in the root folder: name a folder of certregd's own")
    }
    return try ValueForm<String>.path().parse(path)
  } format: {
    $0.map { "sqlite://\($0)" } ?? "sqlite"
  }
}

private func isLowerCaseOrDigit(_ byte: UInt8) -> Bool {
  switch byte {
  case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"): true
  default: false
  }
}

func spaced(_ punctuation: String) -> String {
  punctuation.map { String($0) }.joined(separator: " ")
}
