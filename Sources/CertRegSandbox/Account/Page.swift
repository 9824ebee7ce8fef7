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
  /// For a list that goes through several groups: the group at which the page ended.
  package var groupName: String?

  package init(sequence: UInt64, groupName: String? = nil) {
    self.sequence = sequence
    self.groupName = groupName
  }

  /// The form that callers see: base64, as the service model's pattern for `Marker` requires.
  package var text: String {
    let group = groupName.map { ":\($0)" } ?? ""
    return Base64.encode(Array("after:\(sequence)\(group)".utf8))
  }

  /// Reads what `text` writes; `nil` for anything else.
  package init?(text: String) {
    guard let bytes = try? Base64.decode(text.utf8), bytes.starts(with: "after:".utf8) else { return nil }
    let parts = String(decoding: bytes.dropFirst(6), as: UTF8.self).split(
      separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
    guard let number = parts.first, let sequence = UInt64(number), sequence > 0 || parts.count > 1 else { return nil }
    self.init(sequence: sequence, groupName: parts.count > 1 ? String(parts[1]) : nil)
  }
}
