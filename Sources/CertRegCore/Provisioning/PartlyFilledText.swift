/// A text in which some placeholders have their values: literals with the other placeholders between them.
struct PartlyFilledText {
  /// One before each placeholder and one behind the last, in UTF-8.
  private var literals: [[UInt8]] = [[]]
  /// The placeholders without a value.
  private var names: [String] = []

  /// - Parameters:
  ///   - text: The text.
  ///   - values: The values that are known, by placeholder.
  init(_ text: PlaceholderText, _ values: [String: String]) {
    for piece in text.pieces {
      switch piece {
      case .literal(let literal): literals[literals.count - 1] += literal.utf8
      case .placeholder(let name):
        if let value = values[name] {
          literals[literals.count - 1] += value.utf8
        } else {
          names.append(name)
          literals.append([])
        }
      }
    }
  }

  /// Whether no placeholder is left.
  var isComplete: Bool { names.isEmpty }

  /// Whether some values give `filled`, where each place of a placeholder may have its own.
  func couldGive(_ filled: String) -> Bool { certainValues(giving: filled) != nil }

  /// The values with which the text gives `filled`, as far as there is one choice only. No value is empty. The text is
  /// searched once for all literals, from either end.
  ///
  /// - Returns: Values by placeholder; `nil`: no values give it.
  func certainValues(giving filled: String) -> [String: String]? {
    let bytes = Array(filled.utf8)
    guard let first = literals.first, let last = literals.last else { return nil }
    if names.isEmpty { return bytes == first ? [:] : nil }
    guard bytes.count >= first.count + last.count, bytes.starts(with: first),
      bytes.suffix(last.count).elementsEqual(last)
    else { return nil }
    let body = Array(bytes[first.count..<bytes.count - last.count])
    let between = Array(literals[1..<literals.count - 1])
    if Set(names).count == 1 { return onlyValue(giving: body, between).map { [names[0]: $0] } }
    guard let earliest = Self.earliestPlaces(of: between, in: body),
      let latest = Self.latestPlaces(of: between, in: body)
    else { return nil }
    // A literal that is as early as it can be and as late as it can be has one place.
    let places = [0..<0] + zip(earliest, latest).map { $0 == $1 ? $0 : nil } + [body.count..<body.count]
    var values: [String: ArraySlice<UInt8>] = [:]
    for (name, (before, behind)) in zip(names, zip(places, places.dropFirst())) {
      guard let before, let behind else { continue }
      let value = body[before.upperBound..<behind.lowerBound]
      guard values[name].map({ $0 == value }) ?? true else { return nil }
      values[name] = value
    }
    return values.mapValues { String(decoding: $0, as: UTF8.self) }
  }

  /// The value of the only placeholder, whose length follows from that of the text.
  private func onlyValue(giving body: [UInt8], _ between: [[UInt8]]) -> String? {
    let (length, rest) = (body.count - between.reduce(0) { $0 + $1.count }).quotientAndRemainder(
      dividingBy: names.count)
    guard length > 0, rest == 0 else { return nil }
    let value = body[..<length]
    guard between.reduce(into: Array(value), { $0 += $1 + value }) == body else { return nil }
    return String(decoding: value, as: UTF8.self)
  }

  /// The first places for literals in a row, with at least a byte before, between and behind them; `nil`: there are none.
  private static func earliestPlaces(of literals: [[UInt8]], in body: [UInt8]) -> [Range<Int>]? {
    var places: [Range<Int>] = []
    var begin = 1
    for literal in literals {
      while true {
        guard begin + literal.count < body.count else { return nil }
        if body[begin..<begin + literal.count].elementsEqual(literal) { break }
        begin += 1
      }
      places.append(begin..<begin + literal.count)
      begin += literal.count + 1
    }
    return body.isEmpty ? nil : places
  }

  /// The same for the last places.
  private static func latestPlaces(of literals: [[UInt8]], in body: [UInt8]) -> [Range<Int>]? {
    earliestPlaces(of: literals.reversed().map { $0.reversed() }, in: body.reversed())?.reversed().map { place in
      body.count - place.upperBound..<body.count - place.lowerBound
    }
  }
}
