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
    set {
      let before = values[key]?.file
      values[key] = newValue
      guard before != newValue?.file else { return }
      if let before { files[before]?.remove(key) }
      if let file = newValue?.file { files[file, default: []].insert(key) }
    }
  }

  /// All keys, in no order.
  var keys: some Collection<Key> { values.keys }

  /// The keys of the values in a file, in no order.
  func keys(in file: Value.File) -> Set<Key> { files[file] ?? [] }
}
