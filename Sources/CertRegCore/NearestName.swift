/// Suggests the correct name for a mistyped one.
package enum NearestName {
  /// The name with the fewest edits from `text`: at most a third of the name's length, and one edit always. Case is
  /// ignored. `nil` where no name is so near, or `text` is too long for a typing mistake.
  package static func of(_ text: String, among names: [String]) -> String? {
    guard text.utf8.count <= 64 else { return nil }
    let mistyped = Array(text.lowercased().utf8)
    var nearest: (name: String, distance: Int)?
    for name in names {
      let distance = distance(mistyped, Array(name.lowercased().utf8))
      guard distance <= max(1, name.utf8.count / 3) else { continue }
      if let best = nearest, best.distance <= distance { continue }
      nearest = (name, distance)
    }
    return nearest?.name
  }

  /// Insertions, deletions, replacements and swaps of neighbours (optimal string alignment).
  package static func distance(_ left: [UInt8], _ right: [UInt8]) -> Int {
    var beforeLast: [Int] = []
    var last = Array(0...right.count)
    for row in 0..<left.count {
      var current = [row + 1]
      for column in 0..<right.count {
        var cost = min(last[column + 1], current[column]) + 1
        cost = min(cost, last[column] + (left[row] == right[column] ? 0 : 1))
        if row > 0, column > 0, left[row] == right[column - 1], left[row - 1] == right[column] {
          cost = min(cost, beforeLast[column - 1] + 1)
        }
        current.append(cost)
      }
      beforeLast = last
      last = current
    }
    return last[right.count]
  }
}
