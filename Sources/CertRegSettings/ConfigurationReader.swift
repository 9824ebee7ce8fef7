import Yams

/// Reads YAML text into a tree that knows the line of every key and value.
///
/// One document, UTF-8. Anchors, aliases and the merge key (`<<`) work, so that targets can share settings; tags do not.
struct ConfigurationReader {
  /// Largest file that is read.
  static let limitBytes = 1 << 20
  /// The deepest nesting that any key needs is 6.
  private static let limitDepth = 32
  /// Most nodes that are looked at, those of aliases counted each time.
  private static let limitNodes = 200_000

  private let path: String
  private var nodesLeft = limitNodes
  private var problems: [SettingsError.Problem] = []

  private init(path: String) {
    self.path = path
  }

  /// The tree of `bytes`; an empty file is an empty tree. Throws the one fault that stops a YAML parser, or all that keep
  /// the tree from being a configuration's.
  static func read(_ bytes: [UInt8], path: String) throws(SettingsError) -> ConfigurationNode {
    var reader = ConfigurationReader(path: path)
    let node = try reader.tree(bytes)
    if !reader.problems.isEmpty { throw SettingsError(problems: reader.problems) }
    return node
  }

  private mutating func tree(_ bytes: [UInt8]) throws(SettingsError) -> ConfigurationNode {
    let text = try decoded(bytes)
    switch AliasExpansion.upperBound(bytes) {
    case .bytes: break
    case .tooMuch: throw failure("its aliases expand to too much", line: nil)
    case .ambiguous(let anchor): throw failure("has more than one anchor &\(anchor): give each a name", line: nil)
    }
    let root: Node?
    do {
      // The encoding is named because the default is taken from, and printed for, an environment variable.
      root = try Yams.compose(yaml: text, .default, .default, .utf8)
    } catch {
      throw syntaxError(error)
    }
    guard let root else { return ConfigurationNode(.null, origin: .file(path: path, line: nil, column: nil)) }
    return convert(root, key: "", depth: 0)
  }

  private func decoded(_ bytes: [UInt8]) throws(SettingsError) -> String {
    if bytes.count > Self.limitBytes {
      throw failure("the file has more than \(Self.limitBytes) bytes", line: nil)
    }
    let byteOrderMark: [UInt8] = [0xef, 0xbb, 0xbf]
    let content = bytes.starts(with: byteOrderMark) ? bytes.dropFirst(3) : bytes[...]
    guard let text = String(validating: content, as: UTF8.self) else {
      throw failure("the file is not UTF-8", line: Self.lineOfInvalidUTF8(content))
    }
    return text
  }

  /// The line, from 1, up to whose end the text is not UTF-8 any more.
  private static func lineOfInvalidUTF8(_ bytes: ArraySlice<UInt8>) -> Int? {
    // No UTF-8 sequence holds an LF, so that each line is valid or not by itself.
    let lines = bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
    return lines.firstIndex { String(validating: $0, as: UTF8.self) == nil }.map { $0 + 1 }
  }

  private mutating func convert(_ node: Node, key: String, depth: Int) -> ConfigurationNode {
    let origin = place(node.mark)
    guard depth <= Self.limitDepth else {
      report(origin, key, "is nested too deeply")
      return ConfigurationNode(.null, origin: origin)
    }
    nodesLeft -= 1
    guard nodesLeft > 0 else {
      // Said once: the rest of the tree is left out.
      if nodesLeft == 0 { report(origin, key, "the file holds more than \(Self.limitNodes) values") }
      return ConfigurationNode(.null, origin: origin)
    }
    switch node {
    case .scalar(let scalar):
      checkTag(scalar.tag, origin, key)
      return ConfigurationNode(Self.content(scalar), origin: origin)
    case .sequence(let sequence):
      checkTag(sequence.tag, origin, key)
      var items: [ConfigurationNode] = []
      for (index, item) in sequence.enumerated() {
        items.append(convert(item, key: "\(key)[\(index)]", depth: depth + 1))
      }
      return ConfigurationNode(.sequence(items), origin: origin)
    case .mapping(let mapping):
      checkTag(mapping.tag, origin, key)
      return ConfigurationNode(.mapping(members(mapping, key: key, depth: depth)), origin: origin)
    case .alias:
      // The parser puts the anchored node in the alias's place.
      report(origin, key, "is an alias of nothing")
      return ConfigurationNode(.null, origin: origin)
    }
  }

  private static func content(_ scalar: Node.Scalar) -> ConfigurationNode.Content {
    guard scalar.style == .plain else { return .scalar(scalar.string) }
    switch scalar.string {
    case "", "~", "null", "Null", "NULL": return .null
    case "none": return .explicitNone
    default: return .scalar(scalar.string)
    }
  }

  /// The mapping's members with those of its merge keys (https://yaml.org/type/merge.html): what is written in the mapping
  /// itself wins, then the merged mapping that comes first.
  private mutating func members(_ mapping: Node.Mapping, key: String, depth: Int) -> [ConfigurationNode.Member] {
    var own: [ConfigurationNode.Member] = []
    var merged: [ConfigurationNode.Member] = []
    var lines: [String: SettingOrigin] = [:]
    for (keyNode, valueNode) in mapping {
      let keyOrigin = place(keyNode.mark)
      guard case .scalar(let scalar) = keyNode else {
        report(keyOrigin, key, "a key has to be a single word")
        continue
      }
      let name = scalar.string
      if name == "<<", scalar.style == .plain {
        merged += mergedMembers(valueNode, keyOrigin, key: key, depth: depth)
        continue
      }
      let path = key.isEmpty ? name : "\(key).\(name)"
      // The parser compares keys by their YAML type too, so that `1` and `"1"` get past it.
      if let first = lines.updateValue(keyOrigin, forKey: name) {
        report(keyOrigin, path, "is given twice: first at \(first)")
        continue
      }
      let value = convert(valueNode, key: path, depth: depth + 1)
      own.append(ConfigurationNode.Member(key: name, keyOrigin: keyOrigin, value: value))
    }
    for member in merged where lines.updateValue(member.keyOrigin, forKey: member.key) == nil {
      own.append(member)
    }
    return own
  }

  private mutating func mergedMembers(
    _ node: Node, _ origin: SettingOrigin, key: String, depth: Int
  ) -> [ConfigurationNode.Member] {
    let value = convert(node, key: key.isEmpty ? "<<" : "\(key).<<", depth: depth + 1)
    switch value.content {
    case .mapping(let members): return members
    case .sequence(let items) where items.allSatisfy({ $0.kind == ConfigurationNode(.mapping([])).kind }):
      return items.flatMap(\.members)
    case .null, .explicitNone, .scalar, .sequence:
      report(origin, key, "\"<<\" takes a section of keys or a list of them, as an alias (*name)")
      return []
    }
  }

  private mutating func checkTag(_ tag: Tag, _ origin: SettingOrigin, _ key: String) {
    // `Tag` shows its name's raw value in its description alone.
    let name = tag.description
    guard name.isEmpty || name == "!" || name.hasPrefix("tag:yaml.org,2002:") else {
      report(origin, key, "has the tag \(quoted(name)): tags are not supported")
      return
    }
  }

  private func place(_ mark: Mark?) -> SettingOrigin {
    .file(path: path, line: mark?.line, column: mark?.column)
  }

  private mutating func report(_ origin: SettingOrigin, _ key: String, _ message: String) {
    problems.append(SettingsError.Problem(origin: origin, key: key, message: message))
  }
}

extension ConfigurationReader {
  private func failure(_ message: String, line: Int?, column: Int? = nil) -> SettingsError {
    SettingsError(problems: [
      SettingsError.Problem(origin: .file(path: path, line: line, column: column), key: "", message: message)
    ])
  }

  private func syntaxError(_ error: any Error) -> SettingsError {
    guard let error = error as? YamlError else { return failure("is not YAML", line: nil) }
    switch error {
    case .scanner(let context, let problem, let mark, _), .parser(let context, let problem, let mark, _),
      .composer(let context, let problem, let mark, _):
      let where_ = context.map { " \($0.text) that begins in line \($0.mark.line)" } ?? ""
      let hint =
        problem.contains("cannot start any token")
        ? " (YAML indents with spaces, not tabs; a value that begins with @, `, % or a tab needs quotes)" : ""
      return failure(
        "is not YAML: \(escapedForTerminal(problem + where_))\(hint)", line: mark.line, column: mark.column)
    case .duplicatedKeysInMapping(let duplicates, let context):
      let names = duplicates.map { quoted($0) }.joined(separator: ", ")
      return failure(
        "\(names) \(duplicates.count == 1 ? "is" : "are") given twice in the section; the first is in this line",
        line: context.mark.line, column: context.mark.column)
    case .reader(let problem, let offset, _, let yaml):
      let line = offset.map { yaml.prefix($0).count { $0.isNewline } + 1 }
      return failure("is not YAML: \(escapedForTerminal(problem))", line: line)
    case .memory: return failure("is nested too deeply", line: nil)
    default: return failure("is not YAML", line: nil)
    }
  }
}
