/// Counts what was read from a source, and what became of it. The two have to be equal in the end.
package struct InputAccount: Hashable, Sendable {
  /// Certificates to send.
  package private(set) var certificates = 0
  /// Entries that failed before anything was sent.
  package private(set) var failures = 0
  /// What was passed over, by what it is.
  package private(set) var passedOver: [OtherContent: Int] = [:]
  /// Whether a source could not be read to its end.
  package var isIncomplete = false

  package init() {}

  /// The number of entries.
  package var total: Int { certificates + failures + passedOver.values.reduce(0, +) }

  /// Counts an entry.
  mutating func read(_ entry: InputEntry) {
    switch entry.content {
    case .certificate: certificates += 1
    case .failure: failures += 1
    case .passedOver(let other): passedOver[other, default: 0] += 1
    }
  }
}
