/// The registrations in the order in which they came. Those that have ended stay in it until they are removed.
struct ArrivalOrder: Sendable, Sequence {
  struct Entry: Sendable {
    var key: RegistrationKey
    /// Tells two registrations of one key apart.
    var sequence: Int64
  }

  private var entries: [Entry]
  private var start = 0

  init(_ entries: [Entry] = []) {
    self.entries = entries
  }

  var count: Int { entries.count - start }
  var first: Entry? { start < entries.count ? entries[start] : nil }

  func makeIterator() -> ArraySlice<Entry>.Iterator { entries[start...].makeIterator() }

  mutating func append(_ key: RegistrationKey, sequence: Int64) {
    entries.append(Entry(key: key, sequence: sequence))
  }

  mutating func removeFirst() {
    start += 1
    guard start > 64, start > entries.count / 2 else { return }
    entries.removeSubrange(..<start)
    start = 0
  }
}
