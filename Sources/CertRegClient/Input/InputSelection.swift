import CertRegCore

/// Decides which entries are taken: those on a list of devices, and those of one set.
struct InputSelection {
  /// `nil`: the devices of all entries are taken.
  private let list: DeviceList?
  private let set: String?
  /// Whether the source is known to leave no choice among sets: it has one at most, or the selected one.
  private let takesAnySet: Bool

  init(_ options: InputOptions, _ list: DeviceList?, takesAnySet: Bool) {
    set = options.set
    self.list = list
    self.takesAnySet = takesAnySet
  }

  /// The entry, or the same entry as one that is passed over.
  func decide(_ entry: InputEntry) -> InputEntry {
    var entry = entry
    guard entry.isCertificateOrFailure else { return entry }
    if let set, let own = entry.set, own.caseInsensitiveCompare(set) == false {
      entry.content = .passedOver(.notSelected)
      return entry
    }
    // From a pipe nobody can tell in advance which sets there are.
    if let set, !takesAnySet, entry.set == nil, case .certificate = entry.content {
      entry.content = .failure(.nothingToSelect(set))
      return entry
    }
    if set == nil, !takesAnySet, let own = entry.set {
      entry.content = .failure(
        InputError(.notSelected, "a certificate of the set \(own)", advice: "choose a set with --select \(own)"))
      return entry
    }
    guard let list else { return entry }
    // Whose certificate this was to be cannot be told.
    if entry.deviceID == nil, case .failure = entry.content { return entry }
    var names = entry.deviceID.map { [$0] } ?? []
    if case .certificate(let certificate) = entry.content {
      names.append(certificate.id.hex)
      if entry.deviceID == nil, let name = certificate.commonName { names.append(name) }
    }
    if !list.takes(names) { entry.content = .passedOver(.notListed) }
    return entry
  }
}

extension String {
  /// Whether both are the same but for their case.
  fileprivate func caseInsensitiveCompare(_ other: String) -> Bool {
    lowercased() == other.lowercased()
  }
}
