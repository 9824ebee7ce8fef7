/// Values by key, in the order in which the keys were added.
///
/// A key is found by its hash, a place in the order by binary search. Adding and removing moves at most one block of
/// the order, whose size is bounded.
package struct Roster<Key: Hashable & Sendable, Value: Sendable>: Sendable {
  /// A key and its value.
  package typealias Element = (key: Key, value: Value)

  private struct Record {
    /// Grows by one with each key that is added.
    var sequence: UInt64
    var value: Value
  }

  private struct Place {
    var sequence: UInt64
    var key: Key
  }

  private struct Position: Equatable {
    var block: Int
    var offset: Int
  }

  private static var blockLimit: Int { 256 }

  private var records: [Key: Record] = [:]
  /// The order in blocks, none of which is empty.
  private var blocks: [[Place]] = []
  private var nextSequence: UInt64 = 1

  package init() {}

  /// The number of keys.
  package var count: Int { records.count }

  /// Whether there is no key.
  package var isEmpty: Bool { records.isEmpty }

  /// The value of `key`.
  package subscript(key: Key) -> Value? { records[key]?.value }

  /// The element that was added first.
  package var first: Element? { page(PageRequest(size: 1)).elements.first }

  /// Keys and values in order.
  package var elements: some Sequence<Element> {
    blocks.lazy.joined().lazy.compactMap { place in records[place.key].map { (place.key, $0.value) } }
  }

  /// Replaces the value of a key in its place, or adds the key at the end.
  package mutating func put(_ value: Value, for key: Key) {
    if records[key] != nil {
      records[key]?.value = value
      return
    }
    records[key] = Record(sequence: nextSequence, value: value)
    let place = Place(sequence: nextSequence, key: key)
    nextSequence += 1
    if let last = blocks.indices.last, blocks[last].count < Self.blockLimit {
      blocks[last].append(place)
    } else {
      blocks.append([place])
    }
  }

  /// Removes a key and returns its value.
  @discardableResult
  package mutating func remove(_ key: Key) -> Value? {
    guard let record = records.removeValue(forKey: key) else { return nil }
    let position = position(after: record.sequence - 1)
    blocks[position.block].remove(at: position.offset)
    if blocks[position.block].isEmpty { blocks.remove(at: position.block) }
    return record.value
  }

  // MARK: Pages

  /// The elements of a page of those that `isWanted` accepts. At most `scanLimit` elements are looked at: past them the
  /// page ends, with fewer elements than asked for.
  package func page(
    _ request: PageRequest, scanLimit: Int = 1_000, where isWanted: (Element) -> Bool = { _ in true }
  ) -> Page<Element> {
    var elements: [Element] = []
    var last: UInt64?
    var scanned = 0
    var position = start(of: request)
    while let current = position {
      guard elements.count < request.size, scanned < scanLimit else {
        return Page(elements: elements, next: last.map { PageMarker(sequence: $0) })
      }
      let place = blocks[current.block][current.offset]
      if let record = records[place.key], isWanted((place.key, record.value)) {
        elements.append((place.key, record.value))
      }
      last = place.sequence
      scanned += 1
      position = request.isAscending ? self.position(following: current) : self.position(preceding: current)
    }
    return Page(elements: elements, next: nil)
  }

  /// The keys of a page of those in `keys`, of which there are few.
  func page(_ request: PageRequest, of keys: Set<Key>) -> Page<Key> {
    let rest = keys.compactMap { key in sequence(of: key).map { (sequence: $0, key: key) } }
      .filter { $0.sequence > request.marker?.sequence ?? 0 }.sorted { $0.sequence < $1.sequence }
    let page = rest.prefix(request.size)
    let next = page.count < rest.count ? page.last.map { PageMarker(sequence: $0.sequence) } : nil
    return Page(elements: page.map(\.key), next: next)
  }

  /// The sequence number of a key, which no other key ever has; `nil` for a key that is not there.
  func sequence(of key: Key) -> UInt64? { records[key]?.sequence }

  private func start(of request: PageRequest) -> Position? {
    if request.isAscending {
      let first = request.marker.map { position(after: $0.sequence) } ?? Position(block: 0, offset: 0)
      return first.block < blocks.count ? first : nil
    }
    let end = request.marker.map { position(after: $0.sequence &- 1) } ?? Position(block: blocks.count, offset: 0)
    return position(preceding: end)
  }

  private func position(following position: Position) -> Position? {
    if position.offset + 1 < blocks[position.block].count {
      return Position(block: position.block, offset: position.offset + 1)
    }
    return position.block + 1 < blocks.count ? Position(block: position.block + 1, offset: 0) : nil
  }

  private func position(preceding position: Position) -> Position? {
    if position.offset > 0 { return Position(block: position.block, offset: position.offset - 1) }
    guard position.block > 0 else { return nil }
    return Position(block: position.block - 1, offset: blocks[position.block - 1].count - 1)
  }

  /// The first position whose sequence is greater than `sequence`; the end of the order if there is none.
  private func position(after sequence: UInt64) -> Position {
    let next = blocks.partitioningIndex { $0[0].sequence > sequence }
    guard next > 0 else { return Position(block: 0, offset: 0) }
    let offset = blocks[next - 1].partitioningIndex { $0.sequence > sequence }
    if offset < blocks[next - 1].count { return Position(block: next - 1, offset: offset) }
    return Position(block: next, offset: 0)
  }
}

extension Array {
  /// The first index whose element satisfies `belongsToSecondPart`, which no element before it does and all after it
  /// do.
  fileprivate func partitioningIndex(where belongsToSecondPart: (Element) -> Bool) -> Int {
    var low = 0
    var high = count
    while low < high {
      let middle = (low + high) / 2
      if belongsToSecondPart(self[middle]) { high = middle } else { low = middle + 1 }
    }
    return low
  }
}
