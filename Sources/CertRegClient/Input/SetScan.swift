import CertRegArchive

/// Finds out whether a source has several certificates for each chip, before anything of it is sent.
enum SetScan {
  /// So many names are looked at to find one of a set.
  private static let maximumNames = 10_000

  /// Whether nothing has to be chosen in the sources.
  ///
  /// - Returns: `false` for a pipe, which can be read only once.
  /// - Throws: `InputError` that names the sets with their counts where there are several and the options select none.
  static func isUnambiguous(_ arguments: [String], _ options: InputOptions) throws(InputError) -> Bool {
    guard options.set == nil else { return true }
    let paths = arguments.map(FilePath.init)
    guard !paths.contains(where: \.isStandardInput) else { return false }
    let suspects = paths.filter(hasSet)
    guard !suspects.isEmpty else { return true }
    var counts: [String: Int] = [:]
    var source = try InputSource(unselected: suspects)
    while let entry = source.next() {
      if let set = entry.set, case .certificate = entry.content { counts[set, default: 0] += 1 }
    }
    guard counts.count > 1 else { return true }
    let sets = counts.sorted { $0.key < $1.key }
    let names = sets.map { "\($0.key) (\($0.value))" }.joined(separator: ", ")
    throw InputError(
      .notSelected, "several certificates for each chip, in the sets \(names)",
      advice: "choose one: --select \(sets[0].key)")
  }

  /// Whether a file of a folder or archive has the name of a set.
  private static func hasSet(_ path: FilePath) -> Bool {
    do throws(InputError) {
      if try Folder.kind(of: path) == .folder {
        return try Folder.files(below: path, passedOver: { _, _ in }, unreadable: { _, _ in })
          .contains { SupplierSet.name($0.description) != nil }
      }
      let stream = try ByteStream(path: path)
      guard let kind = Archive.kind(of: try stream.peek(Archive.headBytes)), kind.isRead else { return false }
      return hasSet(try stream.openArchive())
    } catch {
      return false
    }
  }

  private static func hasSet(_ archive: ArchiveReader) -> Bool {
    for _ in 0..<maximumNames {
      guard let member = try? archive.next() else { return false }
      if SupplierSet.name(member.path) != nil { return true }
    }
    return false
  }
}
