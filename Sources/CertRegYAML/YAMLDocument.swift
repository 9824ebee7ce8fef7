import CLibYAML

/// The one document of a YAML text, read by libyaml.
package enum YAMLDocument {
  /// The deepest nesting that is read, that of aliases among it. Deeper texts end with an error, since a tree is walked
  /// and released by recursion.
  package static let maxDepth = 64

  /// Reads a text.
  ///
  /// The nodes of aliases are shared, not copied: a text takes memory in proportion to its length. Callers that walk
  /// the tree must bound the number of visits, since aliases of aliases multiply ("billion laughs").
  ///
  /// - Parameter text: UTF-8 without a byte-order mark.
  /// - Returns: The document's root; `nil` for a text without a document.
  /// - Throws: ``YAMLError`` for a text that is no YAML, has a second document or is nested more than ``maxDepth``
  ///   deep.
  package static func read(_ text: [UInt8]) throws(YAMLError) -> YAMLNode? {
    guard !text.isEmpty else { return nil }
    let result: Result<YAMLNode?, YAMLError> = text.withUnsafeBufferPointer { bytes in
      do throws(YAMLError) {
        var composer = Composer(try EventReader(bytes))
        return .success(try composer.document())
      } catch {
        return .failure(error)
      }
    }
    return try result.get()
  }
}

/// Makes a tree of events.
private struct Composer {
  private let reader: EventReader
  /// The complete nodes that have an anchor. An anchor that is given again means the later node from then on (YAML 1.1
  /// section 3.2.2.2).
  private var anchors: [String: YAMLNode] = [:]

  init(_ reader: EventReader) {
    self.reader = reader
  }

  mutating func document() throws(YAMLError) -> YAMLNode? {
    var root: YAMLNode?
    while true {
      let event = try reader.next()
      switch event.kind {
      case .streamEnd: return root
      case .streamStart, .documentEnd: break
      case .documentStart:
        guard root == nil else {
          throw YAMLError(problem: "there is a second document", mark: event.mark, context: nil)
        }
        root = try node(try reader.next(), depth: 0)
      case .alias, .scalar, .sequenceStart, .sequenceEnd, .mappingStart, .mappingEnd:
        throw unexpected(event)
      }
    }
  }

  private mutating func node(_ event: EventReader.Event, depth: Int) throws(YAMLError) -> YAMLNode {
    guard depth <= YAMLDocument.maxDepth else { throw tooDeep(event) }
    let content: YAMLNode.Content
    switch event.kind {
    case .alias(let name):
      // An alias inside its own node would never end; the node is not complete yet.
      guard let node = anchors[name] else {
        // What was meant for a value that begins with an asterisk may be a secret.
        throw YAMLError(
          problem: "an alias of nothing (a value that begins with * needs quotes)", mark: event.mark, context: nil)
      }
      return node
    case .scalar(let text, let isPlain): content = .scalar(text, isPlain: isPlain)
    case .sequenceStart: content = .sequence(try items(depth: depth + 1))
    case .mappingStart: content = .mapping(try members(depth: depth + 1))
    case .streamStart, .streamEnd, .documentStart, .documentEnd, .sequenceEnd, .mappingEnd: throw unexpected(event)
    }
    let height =
      switch content {
      case .scalar: 0
      case .sequence(let items): 1 + (items.lazy.map(\.height).max() ?? 0)
      case .mapping(let members): 1 + (members.lazy.map { max($0.key.height, $0.value.height) }.max() ?? 0)
      }
    guard height <= YAMLDocument.maxDepth else { throw tooDeep(event) }
    let node = YAMLNode(content: content, tag: event.tag, mark: event.mark, height: height)
    if let anchor = event.anchor { anchors[anchor] = node }
    return node
  }

  private mutating func items(depth: Int) throws(YAMLError) -> [YAMLNode] {
    var items: [YAMLNode] = []
    while true {
      let event = try reader.next()
      if case .sequenceEnd = event.kind { return items }
      items.append(try node(event, depth: depth))
    }
  }

  private mutating func members(depth: Int) throws(YAMLError) -> [YAMLNode.Member] {
    var members: [YAMLNode.Member] = []
    while true {
      let event = try reader.next()
      if case .mappingEnd = event.kind { return members }
      let key = try node(event, depth: depth)
      members.append(YAMLNode.Member(key: key, value: try node(try reader.next(), depth: depth)))
    }
  }

  private func tooDeep(_ event: EventReader.Event) -> YAMLError {
    YAMLError(problem: "the text is nested too deeply", mark: event.mark, context: nil)
  }

  /// libyaml's grammar does not let this happen.
  private func unexpected(_ event: EventReader.Event) -> YAMLError {
    YAMLError(problem: "the text has an unexpected end or beginning", mark: event.mark, context: nil)
  }
}
