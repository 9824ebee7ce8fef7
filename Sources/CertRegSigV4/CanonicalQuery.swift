/// The canonical form of a query string: names and values decoded and encoded again, sorted by name and then by value.
enum CanonicalQuery {
  /// Appends the canonical form of `query`, the part after `?` as it stands on the wire. An item without `=` gets one.
  static func append(_ query: String, to target: inout [UInt8]) {
    if query.isEmpty { return }
    var items = query.utf8.split(separator: UInt8(ascii: "&")).map(encodedItem)
    items.sort { left, right in
      if left.name != right.name { return left.name.lexicographicallyPrecedes(right.name) }
      return left.value.lexicographicallyPrecedes(right.value)
    }
    for (index, item) in items.enumerated() {
      if index > 0 { target.append(UInt8(ascii: "&")) }
      target.append(contentsOf: item.name)
      target.append(UInt8(ascii: "="))
      target.append(contentsOf: item.value)
    }
  }

  private static func encodedItem(_ item: Substring.UTF8View) -> (name: [UInt8], value: [UInt8]) {
    let parts = item.split(separator: UInt8(ascii: "="), maxSplits: 1, omittingEmptySubsequences: false)
    var name: [UInt8] = []
    var value: [UInt8] = []
    if let first = parts.first { URIEncoding.append(URIEncoding.decode(first), to: &name) }
    if parts.count > 1 { URIEncoding.append(URIEncoding.decode(parts[1]), to: &value) }
    return (name, value)
  }
}
