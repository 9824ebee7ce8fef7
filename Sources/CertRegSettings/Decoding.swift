/// What decoding a tree leaves behind besides the value: every problem, and where each value came from.
struct Decoding {
  var problems = ProblemList()
  /// By key path, for keys that something other than the default was given for.
  private(set) var origins: [String: SettingOrigin] = [:]

  mutating func report(_ origin: SettingOrigin, _ key: String, _ message: String, suggestion: String? = nil) {
    problems.add(origin, key, message, suggestion: suggestion)
  }

  mutating func note(_ origin: SettingOrigin, _ key: String) {
    origins[key] = origin
  }

  /// The origin of a key or, where it has none, of the section around it.
  func nearestOrigin(of key: String) -> SettingOrigin {
    var path = key[...]
    while true {
      if let origin = origins[String(path)] { return origin }
      guard let end = path.lastIndex(where: { $0 == "." || $0 == "[" }) else { return .builtIn }
      path = path[..<end]
    }
  }

  /// Whether a key that may be left out, and may not be empty, has a value; reports where it has none.
  mutating func isGiven(_ node: ConfigurationNode, _ key: String) -> Bool {
    switch node.content {
    case .null: report(node.origin, key, "has no value: give it one, or leave the key out to mean all")
    case .explicitNone:
      report(
        node.origin, key, "cannot be none: leave the key out to mean all (for the word in quotes, write \"none\")")
    case .scalar, .sequence, .mapping: return true
    }
    return false
  }

  /// Reads one value; `nil` after reporting why there is none.
  mutating func read<Value>(_ node: ConfigurationNode, _ key: String, _ form: ValueForm<Value>) -> Value? {
    switch node.content {
    case .scalar(let text):
      do {
        let value = try form.parse(text)
        note(node.origin, key)
        return value
      } catch {
        report(node.origin, key, error.message, suggestion: error.suggestion)
        return nil
      }
    case .null:
      report(node.origin, key, "has no value: give it one, or leave the key out for the default")
      return nil
    case .explicitNone:
      // Only the file can quote the word.
      let advice = if case .file = node.origin { " (for the word in quotes, write \"none\")" } else { "" }
      report(node.origin, key, "cannot be none\(advice)")
      return nil
    case .sequence, .mapping:
      report(node.origin, key, "takes a single value (\(form.name)), not \(node.kind)")
      return nil
    }
  }
}
