/// A string of the sources with gaps for its interpolations. Documented messages are compared with it.
struct MessageTemplate {
  /// The text between the interpolations.
  let pieces: [Substring]

  /// Every string literal of one line in `source`. Literals joined by `+` count as one.
  static func all(in source: String) -> [MessageTemplate] {
    var templates: [MessageTemplate] = []
    var joined: [Substring] = []
    var rest = Substring(source)
    while let start = rest.firstIndex(of: "\"") {
      let isContinued = isPlus(rest[..<start])
      rest = rest[rest.index(after: start)...]
      let pieces = literal(&rest)
      if isContinued, let last = joined.popLast(), let first = pieces.first {
        joined += [last + first] + pieces.dropFirst()
      } else {
        templates.append(MessageTemplate(pieces: joined))
        joined = pieces
      }
    }
    return templates + [MessageTemplate(pieces: joined)]
  }

  private static func isPlus(_ text: Substring) -> Bool {
    text.filter { !$0.isWhitespace } == "+"
  }

  /// Reads to the end of the literal whose opening quote was just read.
  private static func literal(_ rest: inout Substring) -> [Substring] {
    var pieces: [Substring] = [""]
    while let character = rest.popFirst(), character != "\"", !character.isNewline {
      guard character == "\\", let escaped = rest.popFirst() else {
        pieces[pieces.count - 1].append(character)
        continue
      }
      if escaped == "(" {
        skipInterpolation(&rest)
        pieces.append("")
      } else {
        pieces[pieces.count - 1].append(escaped)
      }
    }
    return pieces
  }

  private static func skipInterpolation(_ rest: inout Substring) {
    var depth = 1
    while depth > 0, let character = rest.popFirst() {
      switch character {
      case "(": depth += 1
      case ")": depth -= 1
      case "\"": _ = literal(&rest)
      default: break
      }
    }
  }

  /// The number of characters outside the gaps.
  var length: Int { pieces.map(\.count).reduce(0, +) }

  /// Whether `message` has all the pieces, one after the other.
  func occurs(in message: String) -> Bool {
    var rest = Substring(message)
    for piece in pieces where !piece.isEmpty {
      guard let range = rest.firstRange(of: piece) else { return false }
      rest = rest[range.upperBound...]
    }
    return true
  }
}
