import CertRegCore

/// The words of certregctl's command line.
package enum CommandWords {
  /// A command line without a known verb.
  package struct Fault: Error, Hashable {
    /// What is wrong. Untrusted.
    package let message: String
    /// What to do.
    package let advice: String
  }

  /// The options that may precede the verb, and whether each has a value.
  private static let movable = ["--socket": true, "--timeout": true, "--target": true, "--json": false]

  /// The words with the options before the verb at the end: `--socket PATH fleet remove x` means
  /// `fleet remove x --socket PATH`.
  ///
  /// - Parameters:
  ///   - words: The command line without the program's name.
  ///   - verbs: The names of all verbs.
  /// - Throws: `Fault` if the verb is missing or unknown, also that of which `help` is asked for.
  package static func arranged(_ words: [String], verbs: [String]) throws(Fault) -> [String] {
    var moved: [String] = []
    var rest = words[...]
    while let word = rest.first, let hasValue = movable[String(word.prefix { $0 != "=" })] {
      moved.append(word)
      rest.removeFirst()
      if hasValue, !word.contains("="), let value = rest.popFirst() { moved.append(value) }
    }
    guard let verb = rest.first, !verb.isEmpty else {
      if moved.isEmpty { return words }
      throw Fault(message: "there is no verb", advice: advice(verbs))
    }
    // Options of the program itself, such as --help.
    if verb.hasPrefix("-") { return Array(rest) + moved }
    try expect(verb, among: verbs)
    if verb == "help", let subject = rest.dropFirst().first, !subject.hasPrefix("-") {
      try expect(subject, among: verbs)
    }
    // At the end, since a verb may have verbs of its own, which have to follow it.
    let operands = rest.firstIndex(of: "--") ?? rest.endIndex
    return rest[..<operands] + moved + rest[operands...]
  }

  private static func expect(_ verb: String, among verbs: [String]) throws(Fault) {
    guard !verbs.contains(verb) else { return }
    let near = NearestName.of(verb, among: verbs).map { "; did you mean \($0)?" } ?? ""
    throw Fault(message: "\(verb) is not a verb\(near)", advice: advice(verbs))
  }

  private static func advice(_ verbs: [String]) -> String {
    "certregctl --help describes the verbs: \(verbs.joined(separator: ", "))"
  }

  /// A name that occurs twice; `nil` if there is none.
  package static func repeated(in names: [String]) -> String? {
    var seen: Set<String> = []
    return names.first { !seen.insert($0).inserted }
  }
}
