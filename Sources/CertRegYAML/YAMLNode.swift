/// A place in a text.
package struct YAMLMark: Hashable, Sendable {
  /// From 1.
  package var line: Int
  /// From 1, in characters.
  package var column: Int
}

/// A node of a YAML document (YAML 1.1 section 3.2.1). The node of an anchor stands in the place of each of its
/// aliases, too.
package struct YAMLNode: Sendable {
  /// What a node consists of.
  package indirect enum Content: Sendable {
    /// `isPlain`: without quotes and no block of text.
    case scalar(String, isPlain: Bool)
    case sequence([YAMLNode])
    /// In the order of the text; keys may repeat.
    case mapping([Member])
  }

  /// A key of a mapping and its value.
  package struct Member: Sendable {
    /// A scalar in most files; YAML allows any node.
    package var key: YAMLNode
    /// The value of the key.
    package var value: YAMLNode
  }

  /// What the node consists of.
  package var content: Content
  /// The tag that the text gives the node, as libyaml resolves it: `!secret`, `tag:yaml.org,2002:int`. `nil`: none.
  package var tag: String?
  /// Where the node begins.
  package var mark: YAMLMark
  /// How deep the node is, nodes of aliases among it: 0 for a scalar. A tree is walked and released by recursion.
  package var height: Int
}

/// Why a text is no YAML document.
package struct YAMLError: Error, Hashable, Sendable {
  /// The rule that the text breaks, in libyaml's words.
  package var problem: String
  /// Where it does. `nil`: it cannot be told.
  package var mark: YAMLMark?
  /// What libyaml was reading, for instance `while parsing a flow sequence`, and where that begins. `nil`: nothing in
  /// particular.
  package var context: Context?

  /// What was being read.
  package struct Context: Hashable, Sendable {
    /// In libyaml's words.
    package var text: String
    /// Where it begins.
    package var mark: YAMLMark
  }
}
