import CertRegYAML

/// Reads YAML text into a tree that knows the line of every key and value.
///
/// One document, UTF-8. Anchors, aliases and the merge key (`<<`) work, so that targets can share settings; tags do
/// not.
struct ConfigurationReader {
  /// Largest file that is read.
  static let limitBytes = 1 << 20
  /// The deepest nesting that any key needs is 6.
  private static let limitDepth = 32
  /// Most nodes that are looked at, those of aliases counted each time ("billion laughs").
  private static let limitNodes = 200_000
  /// Most bytes of single values, those of aliases counted each time.
  private static let limitValueBytes = 4 << 20

  private let path: String
  private var nodesLeft = limitNodes
  private var valueBytesLeft = limitValueBytes
  private var problems = ProblemList()
  /// Whether nothing of the file is left out of the tree.
  private var isWhole = true

  private init(path: String) {
    self.path = path
  }

  /// The tree of `bytes`, and what keeps it from being a configuration's; an empty file is an empty tree. Throws the one
  /// fault that stops a YAML parser, and what is wrong with a file that is too large.
  static func read(_ bytes: [UInt8], path: String) throws(SettingsError) -> (ConfigurationNode, ProblemList) {
    var reader = ConfigurationReader(path: path)
    let node = try reader.tree(bytes)
    guard reader.isWhole else { throw SettingsError(problems: reader.problems.all) }
    return (node, reader.problems)
  }

  private mutating func tree(_ bytes: [UInt8]) throws(SettingsError) -> ConfigurationNode {
    let text = try checked(bytes)
    let root: YAMLNode?
    do throws(YAMLError) { root = try YAMLDocument.read(text) } catch { throw syntaxError(error) }
    guard let root else { return ConfigurationNode(.null, origin: .file(path: path, line: nil, column: nil)) }
    return convert(root, key: "", depth: 0)
  }

  /// The text without its byte-order mark.
  private func checked(_ bytes: [UInt8]) throws(SettingsError) -> [UInt8] {
    if bytes.count > Self.limitBytes {
      throw failure("the file has more than \(Self.limitBytes) bytes", line: nil)
    }
    let byteOrderMark: [UInt8] = [0xef, 0xbb, 0xbf]
    let content = bytes.starts(with: byteOrderMark) ? bytes.dropFirst(3) : bytes[...]
    guard String(validating: content, as: UTF8.self) != nil else {
      throw failure("the file is not UTF-8", line: Self.lineOfInvalidUTF8(content))
    }
    return Array(content)
  }

  /// The line, from 1, up to whose end the text is not UTF-8 any more.
  private static func lineOfInvalidUTF8(_ bytes: ArraySlice<UInt8>) -> Int? {
    // No UTF-8 sequence holds an LF, so that each line is valid or not by itself.
    let lines = bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
    return lines.firstIndex { String(validating: $0, as: UTF8.self) == nil }.map { $0 + 1 }
  }

  private mutating func convert(_ node: YAMLNode, key: String, depth: Int) -> ConfigurationNode {
    let origin = place(node.mark)
    guard depth <= Self.limitDepth else {
      isWhole = false
      report(origin, key, "is nested too deeply")
      return ConfigurationNode(.null, origin: origin)
    }
    nodesLeft -= 1
    guard nodesLeft > 0 else {
      isWhole = false
      // Said once: the rest of the tree is left out.
      if nodesLeft == 0 { report(origin, key, "the file holds more than \(Self.limitNodes) values") }
      return ConfigurationNode(.null, origin: origin)
    }
    checkTag(node.tag, origin, key)
    switch node.content {
    case .scalar(let text, let isPlain):
      guard takesValue(text, origin, key) else { return ConfigurationNode(.null, origin: origin) }
      return ConfigurationNode(isPlain ? Self.content(ofPlain: text) : .scalar(text), origin: origin)
    case .sequence(let nodes):
      var items: [ConfigurationNode] = []
      for (index, item) in nodes.enumerated() {
        items.append(convert(item, key: "\(key)[\(index)]", depth: depth + 1))
      }
      return ConfigurationNode(.sequence(items), origin: origin)
    case .mapping(let members):
      return ConfigurationNode(.mapping(self.members(members, key: key, depth: depth)), origin: origin)
    }
  }

  /// Counts a value, and says once where there are too many bytes of them.
  private mutating func takesValue(_ text: String, _ origin: SettingOrigin, _ key: String) -> Bool {
    guard valueBytesLeft >= 0 else { return false }
    valueBytesLeft -= text.utf8.count
    isWhole = isWhole && valueBytesLeft >= 0
    if valueBytesLeft < 0 { report(origin, key, "the file's aliases expand to too much") }
    return valueBytesLeft >= 0
  }

  private static func content(ofPlain text: String) -> ConfigurationNode.Content {
    switch text {
    case "", "~", "null", "Null", "NULL": .null
    case "none": .explicitNone
    default: .scalar(text)
    }
  }

  /// The mapping's members with those of its merge keys (https://yaml.org/type/merge.html): what is written in the
  /// mapping itself wins, then the merged mapping that comes first.
  private mutating func members(_ mapping: [YAMLNode.Member], key: String, depth: Int) -> [ConfigurationNode.Member] {
    var own: [ConfigurationNode.Member] = []
    var merged: [ConfigurationNode.Member] = []
    var lines: [String: SettingOrigin] = [:]
    for member in mapping {
      let keyOrigin = place(member.key.mark)
      guard case .scalar(let name, let isPlain) = member.key.content else {
        report(keyOrigin, key, "a key has to be a single word")
        continue
      }
      guard takesValue(name, keyOrigin, key) else { continue }
      if name == "<<", isPlain {
        merged += mergedMembers(member.value, keyOrigin, key: key, depth: depth)
        continue
      }
      let path = ProblemList.path(key, name)
      if let first = lines[name] {
        report(keyOrigin, path, "is given twice: first at \(first)")
        continue
      }
      lines[name] = keyOrigin
      let value = convert(member.value, key: path, depth: depth + 1)
      own.append(ConfigurationNode.Member(key: name, keyOrigin: keyOrigin, value: value))
    }
    for member in merged where lines.updateValue(member.keyOrigin, forKey: member.key) == nil {
      own.append(member)
    }
    return own
  }

  private mutating func mergedMembers(
    _ node: YAMLNode, _ origin: SettingOrigin, key: String, depth: Int
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

  private mutating func checkTag(_ tag: String?, _ origin: SettingOrigin, _ key: String) {
    guard let tag, tag != "!" else { return }
    let prefix = "tag:yaml.org,2002:"
    // These say what the value is without them.
    if ["str", "map", "seq"].contains(where: { tag == prefix + $0 }) { return }
    let shown = tag.hasPrefix(prefix) ? "!!" + tag.dropFirst(prefix.count) : tag
    report(origin, key, "has the tag \(quoted(shown)): tags are not supported")
  }

  private func place(_ mark: YAMLMark) -> SettingOrigin {
    .file(path: path, line: mark.line, column: mark.column)
  }

  private mutating func report(_ origin: SettingOrigin, _ key: String, _ message: String) {
    problems.add(origin, key, message)
  }
}

extension ConfigurationReader {
  private func failure(_ message: String, line: Int?, column: Int? = nil) -> SettingsError {
    SettingsError(problems: [
      SettingsError.Problem(origin: .file(path: path, line: line, column: column), key: "", message: message)
    ])
  }

  private func syntaxError(_ error: YAMLError) -> SettingsError {
    let context = error.context.map { " \($0.text) that begins in line \($0.mark.line)" } ?? ""
    let hint =
      error.problem.contains("cannot start any token")
      ? " (YAML indents with spaces, not tabs; a value that begins with @, `, % or a tab needs quotes)" : ""
    return failure(
      "is not YAML: \(escapedForTerminal(error.problem + context))\(hint)", line: error.mark?.line,
      column: error.mark?.column)
  }
}
