/// Finds the known word that an unknown one was probably meant to be.
enum Suggestion {
  /// The candidate nearest to `word`, if it is near enough: case, `_` and `-` are no difference, and a third of the
  /// letters may be wrong. The first of equally near ones.
  static func nearest(to word: String, among candidates: some Sequence<String>) -> String? {
    let folded = fold(word)
    // Distance is quadratic: a word this long is not a slip of a key's name.
    guard !folded.isEmpty, folded.count <= 64 else { return nil }
    var best: (candidate: String, distance: Int)?
    for candidate in candidates {
      let target = fold(candidate)
      let distance = editDistance(folded, target)
      guard distance <= max(1, max(folded.count, target.count) / 3) else { continue }
      if distance < best?.distance ?? .max { best = (candidate, distance) }
    }
    return best?.candidate
  }

  /// Insertions, deletions, substitutions and swaps of neighbours that turn one into the other (optimal string alignment).
  static func editDistance(_ left: [Character], _ right: [Character]) -> Int {
    var beforePrevious = [Int](repeating: 0, count: right.count + 1)
    var previous = Array(0...right.count)
    for i in left.indices {
      var current = [i + 1]
      current.reserveCapacity(right.count + 1)
      for j in right.indices {
        var cost = min(previous[j + 1] + 1, current[j] + 1, previous[j] + (left[i] == right[j] ? 0 : 1))
        if i > 0, j > 0, left[i] == right[j - 1], left[i - 1] == right[j] {
          cost = min(cost, beforePrevious[j - 1] + 1)
        }
        current.append(cost)
      }
      beforePrevious = previous
      previous = current
    }
    return previous[right.count]
  }

  private static func fold(_ word: String) -> [Character] {
    word.lowercased().filter { $0 != "_" && $0 != "-" }.map { $0 }
  }
}
