extension InputContext {
  /// The entry for a file that holds nothing but `other`: passed over where it was found beside others, a failure where
  /// the user named it. Certificates of authorities are passed over in either case.
  func entry(_ place: String, _ other: OtherContent) -> InputEntry {
    wasFound ? InputEntry(place: place, other) : InputEntry(place: place, error(for: other))
  }

  /// Makes the first of `entries` a failure where the user named a file that holds nothing but other things.
  /// Certificates of authorities stay passed over.
  func failFirst(of entries: inout [InputEntry]) {
    guard !wasFound, !entries.contains(where: \.isCertificateOrFailure) else { return }
    let index = entries.firstIndex { entry in
      if case .passedOver(let other) = entry.content { other != .authority && other != .issuer } else { false }
    }
    guard let index, case .passedOver(let other) = entries[index].content else { return }
    guard !entries.contains(where: { $0.content == .passedOver(.authority) }) else { return }
    entries[index].content = .failure(error(for: other))
  }

  /// The error for something in place of a certificate.
  func error(for other: OtherContent) -> InputError {
    (other == .notSelected ? options.column.map(noColumn) : nil) ?? InputError(other)
  }
}
