import CertRegCodec

/// Which part of a list is asked for.
package struct PageRequest: Hashable, Sendable {
  /// How many elements the page has at most.
  package var size: Int
  /// Where the page before ended; `nil` for the first page.
  package var marker: PageMarker?
  /// Whether the list begins with the oldest element.
  package var isAscending: Bool

  package init(size: Int, after marker: PageMarker? = nil, ascending: Bool = true) {
    self.size = size
    self.marker = marker
    isAscending = ascending
  }
}

/// A part of a list.
package struct Page<Element> {
  /// The elements, in order.
  package var elements: [Element]
  /// Where the next page begins; `nil` on the last one.
  package var next: PageMarker?

  package init(elements: [Element], next: PageMarker?) {
    self.elements = elements
    self.next = next
  }

  /// The page with other elements in the places of these.
  package func map<Other>(_ transform: (Element) -> Other) -> Page<Other> {
    Page<Other>(elements: elements.map(transform), next: next)
  }
}

extension Page: Sendable where Element: Sendable {}

/// Where a page of a list ended. It stays valid when elements are added or deleted.
package struct PageMarker: Hashable, Sendable {
  /// The sequence number of the last element of the page.
  package var sequence: UInt64
  /// For a list that goes through several groups: the sequence number of the group at which the page ended. `sequence`
  /// is then that of an element of this group, 0 if the page has none of it.
  package var groupSequence: UInt64?

  package init(sequence: UInt64, groupSequence: UInt64? = nil) {
    self.sequence = sequence
    self.groupSequence = groupSequence
  }

  /// The form that callers see: base64, as the service model's pattern for `Marker` requires.
  package var text: String {
    let group = groupSequence.map { ":\($0)" } ?? ""
    return Base64.encode(Array("after:\(sequence)\(group)".utf8))
  }

  /// Reads what `text` writes; `nil` for anything else.
  package init?(text: String) {
    guard let bytes = try? Base64.decode(text.utf8), bytes.starts(with: "after:".utf8) else { return nil }
    let numbers = String(decoding: bytes.dropFirst(6), as: UTF8.self).split(
      separator: ":", omittingEmptySubsequences: false
    ).map { UInt64($0) }
    switch (numbers.count, numbers[0], numbers.last ?? nil) {
    case (1, let sequence?, _) where sequence > 0: self.init(sequence: sequence)
    case (2, let sequence?, let group?) where group > 0: self.init(sequence: sequence, groupSequence: group)
    default: return nil
    }
  }
}
