/// All entries of one unit of a source: a row, a line, an element, a block or a file. There is at least one, so that no
/// unit can be lost.
package struct Sighting: Sendable {
  /// The first entry.
  package let first: InputEntry
  /// Further entries of the same unit.
  package let others: [InputEntry]

  init(_ first: InputEntry, _ others: [InputEntry] = []) {
    self.first = first
    self.others = others
  }

  /// The entries; `fallback` where there is none.
  init(_ entries: [InputEntry], orElse fallback: @autoclosure () -> InputEntry) {
    first = entries.first ?? fallback()
    others = Array(entries.dropFirst())
  }

  /// All entries in order.
  var entries: [InputEntry] { [first] + others }

  /// Whether one of them is a certificate to send.
  var hasCertificate: Bool {
    entries.contains { $0.certificate != nil }
  }

  /// The same with the names marked as guessed, if they are not ASCII and `texts`, of which they are parts, not UTF-8.
  func marked(guessedFrom texts: [ArraySlice<UInt8>]) -> Sighting {
    let isOther = { (entry: InputEntry) in entry.deviceID?.utf8.contains { $0 >= 0x80 } ?? false }
    guard entries.contains(where: isOther), texts.contains(where: { String(validating: $0, as: UTF8.self) == nil })
    else { return self }
    let marked = entries.map { entry in
      var entry = entry
      entry.isNameGuessed = isOther(entry)
      return entry
    }
    return Sighting(marked[0], Array(marked.dropFirst()))
  }
}

/// Reads the units of a source one after the other, and no further ahead than necessary.
protocol InputReader {
  /// The entries of the next unit; `nil` at the end.
  ///
  /// - Throws: `InputError` where nothing more can be read.
  mutating func next() throws(InputError) -> Sighting?

  /// The share that has been read, from 0 to 1; `nil` where the size is not known.
  var fraction: Double? { get }

  /// What a source is that ends without a unit.
  var nothing: OtherContent { get }

  /// Whether the units are those of several files, which can be of any kind.
  var hasFiles: Bool { get }

  /// Whether the certificates of different units are compared with each other, or none are.
  var comparesCertificates: Bool { get }
}

extension InputReader {
  var nothing: OtherContent { .empty }
  var hasFiles: Bool { false }
  var comparesCertificates: Bool { hasFiles }
}
