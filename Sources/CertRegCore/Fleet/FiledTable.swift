/// A value whose state decides where it is looked for.
protocol Filed: Sendable {
  associatedtype File: Hashable, Sendable

  /// Where the value is looked for; `nil`: by its key alone.
  var file: File? { get }
}

/// A dictionary that knows the keys of each file, so that a search for few values does not pass all others.
struct FiledTable<Key: Hashable & Sendable, Value: Filed>: Sendable {
  private var values: [Key: Value] = [:]
  private var files: [Value.File: Set<Key>] = [:]

  subscript(key: Key) -> Value? {
    get { values[key] }
    _modify {
      let before = values[key]?.file
      // In place: a setter would copy what the value holds.
      defer { move(key, from: before, to: values[key]?.file) }
      yield &values[key]
    }
  }

  private mutating func move(_ key: Key, from before: Value.File?, to after: Value.File?) {
    guard before != after else { return }
    if let before { files[before]?.remove(key) }
    if let after { files[after, default: []].insert(key) }
  }

  /// All keys, in no order.
  var keys: some Collection<Key> { values.keys }

  /// The keys of the values in a file, in no order.
  func keys(in file: Value.File) -> Set<Key> { files[file] ?? [] }
}
