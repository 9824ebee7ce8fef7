/// The sets of certificates that a supplier delivers for one chip. Infineon's OPTIGA Trust M has several, named after
/// the object that holds the certificate: `0A091B5C0015_E0E0.pem` in `…_E0E0_Certs.7z`.
enum SupplierSet {
  /// The entries of a file with the set that its name tells, and the chip's name.
  static func marked(_ sighting: Sighting, path: String) -> Sighting {
    guard let set = name(path) else { return sighting }
    func marked(_ entry: InputEntry) -> InputEntry {
      guard entry.set == nil else { return entry }
      var entry = entry
      entry.set = set
      if entry.deviceID == nil { entry.deviceID = chip(path, set) }
      return entry
    }
    return Sighting(marked(sighting.first), sighting.others.map(marked))
  }

  /// The set in the name of a file or archive; `nil` where it names none.
  static func name(_ path: String) -> String? {
    let file = Array(path.utf8).split(separator: UInt8(ascii: "/")).last ?? []
    let stem = file.drop { $0 == UInt8(ascii: ".") }.prefix { $0 != UInt8(ascii: ".") }
    let set = stem.split(separator: UInt8(ascii: "_")).last { part in
      guard part.count == 4 else { return false }
      let text = String(decoding: part, as: UTF8.self)
      return text.uppercased().hasPrefix("E0E") && text.last?.isHexDigit == true
    }
    return set.map { String(decoding: $0, as: UTF8.self).uppercased() }
  }

  /// Why a file of an archive is not opened: it is hidden, belongs to another set, or is an archive of keys.
  static func otherContent(_ path: String, selected: String?) -> OtherContent? {
    if Folder.isHidden(path) { return .hidden }
    let file = FilePath(path)
    let isArchive = ["7z", "zip", "tar"].contains(file.fileExtension)
    if isArchive, let selected, let own = name(path), own != selected.uppercased() { return .notSelected }
    return isArchive && file.withoutExtension.description.lowercased().hasSuffix("_keys") ? .privateKey : nil
  }

  /// The chip's name before the set's.
  private static func chip(_ path: String, _ set: String) -> String? {
    let file = path.split(separator: "/").last ?? ""
    let parts = file.split(separator: ".").first?.split(separator: "_") ?? []
    guard parts.count == 2, parts[1].uppercased() == set else { return nil }
    return String(parts[0])
  }
}
