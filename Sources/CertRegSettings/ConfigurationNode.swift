/// A piece of a configuration with the place it came from. The file, the environment and the flags are all brought into
/// this form, laid over one another, and decoded once.
struct ConfigurationNode: Equatable, Sendable {
  indirect enum Content: Equatable, Sendable {
    /// No value, or `null`: as if the key were left out, for a key that may be.
    case null
    /// An unquoted `none`: said on purpose, so that nothing fills it.
    case explicitNone
    /// A value as it was written. What type it has is for the key to say: YAML's own guesses (`no` is false, 0660 is
    /// 432) are not asked.
    case scalar(String)
    case sequence([ConfigurationNode])
    /// In the order of the file; keys are unique.
    case mapping([Member])
  }

  struct Member: Equatable, Sendable {
    var key: String
    var keyOrigin: SettingOrigin
    var value: ConfigurationNode
  }

  var content: Content
  var origin: SettingOrigin

  init(_ content: Content, origin: SettingOrigin = .builtIn) {
    self.content = content
    self.origin = origin
  }

  /// What a message calls it.
  var kind: String {
    switch content {
    case .null: "nothing"
    case .explicitNone: "none"
    case .scalar: "a single value"
    case .sequence: "a list"
    case .mapping: "a section of keys"
    }
  }

  /// The members of a mapping; of anything else none.
  var members: [Member] {
    if case .mapping(let members) = content { members } else { [] }
  }

  subscript(key: String) -> ConfigurationNode? {
    members.first { $0.key == key }?.value
  }

  /// Puts `value` at `path`, making sections on the way. Where something else than a section is on the way nothing is
  /// changed: decoding will say what is wrong there.
  mutating func set(_ path: ArraySlice<String>, to value: ConfigurationNode) {
    guard let key = path.first else {
      self = value
      return
    }
    var members: [Member]
    switch content {
    case .null: members = []
    case .mapping(let present): members = present
    case .explicitNone, .scalar, .sequence: return
    }
    if let index = members.firstIndex(where: { $0.key == key }) {
      members[index].value.set(path.dropFirst(), to: value)
    } else {
      var child = ConfigurationNode(.null, origin: value.origin)
      child.set(path.dropFirst(), to: value)
      members.append(Member(key: key, keyOrigin: value.origin, value: child))
    }
    content = .mapping(members)
  }

  /// Changes every member of the section `key` in turn, in linear time. Where `key` is no section nothing is changed.
  mutating func changeMembers(of key: String, _ change: (inout ConfigurationNode) -> Void) {
    guard case .mapping(var members) = content, let index = members.firstIndex(where: { $0.key == key }),
      case .mapping(var inner) = members[index].value.content
    else { return }
    for place in inner.indices { change(&inner[place].value) }
    members[index].value.content = .mapping(inner)
    content = .mapping(members)
  }

  /// The node at `path`; `nil` if there is none or it is null.
  func value(at path: ArraySlice<String>) -> ConfigurationNode? {
    guard let key = path.first else { return content == .null ? nil : self }
    return self[key]?.value(at: path.dropFirst())
  }
}
