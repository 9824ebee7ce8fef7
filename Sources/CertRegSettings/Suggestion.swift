import CertRegCore

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
      let distance = NearestName.distance(folded, target)
      guard distance <= max(1, max(folded.count, target.count) / 3) else { continue }
      if distance < best?.distance ?? .max { best = (candidate, distance) }
    }
    return best?.candidate
  }

  private static func fold(_ word: String) -> [UInt8] {
    word.lowercased().utf8.filter { $0 != UInt8(ascii: "_") && $0 != UInt8(ascii: "-") }
  }
}
