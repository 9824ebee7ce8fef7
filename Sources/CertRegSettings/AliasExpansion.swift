/// Bounds what YAML aliases can blow a small file up to ("billion laughs"), before the file is parsed.
enum AliasExpansion {
  /// The largest size that a file with all its aliases written out may have.
  static let limitBytes = 4 << 20

  enum Measure: Equatable {
    case bytes(Int)
    case tooMuch
    /// An alias of an anchor that the file sets more than once: which of the nodes it means would take a parser to tell.
    case ambiguous(anchor: String)
  }

  /// An upper bound of the size of `text` with every alias replaced by its anchor's value.
  ///
  /// Anchors (`&name`) and aliases (`*name`) are looked for in the bare bytes, in comments and strings too, so the bound can
  /// be too high and never too low: an anchored node begins after its `&name` and ends before its first alias, because an
  /// alias may only follow the whole node (YAML 1.2 section 7.1).
  static func upperBound(_ text: [UInt8]) -> Measure {
    var total = 0
    var startOfAnchor: [ArraySlice<UInt8>: Int] = [:]
    var sizeOfAnchor: [ArraySlice<UInt8>: Int] = [:]
    var anchorsSetAgain: Set<ArraySlice<UInt8>> = []
    var index = 0
    while index < text.count {
      let mark = text[index]
      index += 1
      total += 1
      guard mark == UInt8(ascii: "&") || mark == UInt8(ascii: "*") else { continue }
      let end = text[index...].firstIndex { !isAnchorCharacter($0) } ?? text.count
      let name = text[index..<end]
      if name.isEmpty { continue }
      total += name.count
      index = end
      if mark == UInt8(ascii: "&") {
        if startOfAnchor.updateValue(total, forKey: name) != nil { anchorsSetAgain.insert(name) }
      } else if anchorsSetAgain.contains(name) {
        return .ambiguous(anchor: String(decoding: name, as: UTF8.self))
      } else if let start = startOfAnchor[name] {
        let size = sizeOfAnchor[name] ?? total - start
        sizeOfAnchor[name] = size
        total += size
        if total > limitBytes { return .tooMuch }
      }
    }
    return .bytes(total)
  }

  /// What libyaml takes into an anchor's name.
  private static func isAnchorCharacter(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
      UInt8(ascii: "0")...UInt8(ascii: "9"),
      UInt8(ascii: "-"), UInt8(ascii: "_"):
      true
    default: false
    }
  }
}
