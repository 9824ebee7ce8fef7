extension String {
  /// The parts between occurrences of `delimiter`, which is not empty; in time linear in both lengths (Knuth, Morris
  /// and Pratt).
  func parts(at delimiter: String) -> [String] {
    let (text, pattern) = (Array(utf8), Array(delimiter.utf8))
    // For each prefix of the pattern, the length of the longest other prefix that it ends with.
    var borders = [0]
    for index in pattern.indices.dropFirst() {
      var length = borders[index - 1]
      while length > 0, pattern[length] != pattern[index] { length = borders[length - 1] }
      borders.append(pattern[length] == pattern[index] ? length + 1 : 0)
    }
    var parts: [String] = []
    var start = 0
    var matched = 0
    for (index, byte) in text.enumerated() {
      while matched > 0, pattern[matched] != byte { matched = borders[matched - 1] }
      if pattern[matched] == byte { matched += 1 }
      guard matched == pattern.count else { continue }
      parts.append(String(decoding: text[start..<(index + 1 - matched)], as: UTF8.self))
      start = index + 1
      matched = 0
    }
    return parts + [String(decoding: text[start...], as: UTF8.self)]
  }
}
