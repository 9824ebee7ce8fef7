/// Bounds what YAML aliases can blow a small file up to ("billion laughs"), before the file is parsed.
enum AliasExpansion {
  /// The largest size that a file with all its aliases written out may have.
  static let limitBytes = 4 << 20

  /// An upper bound of the size of `text` with every alias replaced by what it stands for, or `nil` past `limitBytes`.
  ///
  /// Anchors (`&name`) and aliases (`*name`) are looked for in the bare bytes, in comments and strings too, so the bound can
  /// be too high and never too low: an anchored node begins after its `&name` and ends before its first alias, because an
  /// alias may only follow the whole node (YAML 1.2 section 7.1).
  static func upperBoundBytes(_ text: [UInt8]) -> Int? {
    var total = 0
    var startOfAnchor: [ArraySlice<UInt8>: Int] = [:]
    var sizeOfAnchor: [ArraySlice<UInt8>: Int] = [:]
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
        startOfAnchor[name] = total
        sizeOfAnchor[name] = nil
      } else if let start = startOfAnchor[name] {
        let size = sizeOfAnchor[name] ?? total - start
        sizeOfAnchor[name] = size
        total += size
        if total > limitBytes { return nil }
      }
    }
    return total
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
