/// A text with placeholders, such as `{deviceId}-{site}`.
package struct PlaceholderText: Hashable, Sendable {
  /// A piece of the text.
  package enum Piece: Hashable, Sendable {
    case literal(String)
    /// The name between the braces.
    case placeholder(String)
  }

  /// The text as it is written.
  package let text: String
  /// Its pieces in their order.
  package let pieces: [Piece]

  /// Why a text is not one with placeholders.
  package enum Fault: Error, Hashable, Sendable {
    /// A brace has no partner, or there are braces within braces.
    case unpairedBrace
    /// There is no name between two braces.
    case emptyPlaceholder
  }

  /// - Throws: ``Fault``.
  package init(_ text: String) throws(Fault) {
    self.text = text
    var pieces: [Piece] = []
    var rest = text[...]
    while let open = rest.firstIndex(where: { $0 == "{" || $0 == "}" }) {
      let inside = rest[rest.index(after: open)...]
      guard rest[open] == "{", let close = inside.firstIndex(where: { $0 == "{" || $0 == "}" }), inside[close] == "}"
      else { throw .unpairedBrace }
      if open > rest.startIndex { pieces.append(.literal(String(rest[..<open]))) }
      let name = String(inside[..<close])
      guard !name.isEmpty else { throw .emptyPlaceholder }
      pieces.append(.placeholder(name))
      rest = inside[inside.index(after: close)...]
    }
    if !rest.isEmpty { pieces.append(.literal(String(rest))) }
    self.pieces = pieces
  }

  /// The names of its placeholders.
  package var names: [String] {
    pieces.compactMap { piece in
      if case .placeholder(let name) = piece { name } else { nil }
    }
  }

  /// The text with the values of its placeholders.
  ///
  /// - Parameter value: Gives a placeholder's value.
  /// - Throws: What `value` throws.
  package func filled(_ value: (String) throws(ServiceError) -> String) throws(ServiceError) -> String {
    var filled = ""
    for piece in pieces {
      switch piece {
      case .literal(let text): filled += text
      case .placeholder(let name): filled += try value(name)
      }
    }
    return filled
  }
}
