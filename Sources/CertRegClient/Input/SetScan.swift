import CertRegArchive

/// Finds out whether a source has several certificates for each chip, before anything of it is sent.
enum SetScan {
  /// The extensions of files that are no archives, so that thousands of them need not be opened twice.
  private static let plainExtensions: Set<String> = [
    "pem", "crt", "cer", "der", "key", "p7b", "csv", "json", "jsonl", "txt",
  ]

  /// Whether nothing has to be chosen in the sources.
  ///
  /// - Returns: `false` for pipes and other things than files and folders, which can be read only once.
  /// - Throws: `InputError` that names the sets with their counts where there are several and the options select none.
  static func isUnambiguous(_ arguments: [String], _ options: InputOptions) throws(InputError) -> Bool {
    guard options.set == nil else { return true }
    let paths = arguments.map(FilePath.init)
    guard !paths.contains(where: { $0.isStandardInput || Folder.isStream($0) }) else { return false }
    let suspects = paths.filter { mayHaveSet($0) }
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

  /// Whether something in a folder or archive has or may have the name of a set: what cannot be told by the names of
  /// files alone is read before anything of it is sent.
  private static func mayHaveSet(_ path: FilePath) -> Bool {
    do throws(InputError) {
      guard try Folder.kind(of: path) == .folder else { return try fileMayHaveSet(path) }
      return try Folder.files(below: path, passedOver: { _, _ in }, unreadable: { _, _ in }).contains { file in
        if SupplierSet.name(file.description) != nil { return true }
        if plainExtensions.contains(file.fileExtension) { return false }
        do throws(InputError) { return try fileMayHaveSet(file) } catch { return false }
      }
    } catch {
      // Nothing of it can be read.
      return false
    }
  }

  /// Whether a file is an archive in which a set may be.
  private static func fileMayHaveSet(_ path: FilePath) throws(InputError) -> Bool {
    let stream = try ByteStream(path: path)
    guard let kind = Archive.kind(of: try stream.peek(Archive.headBytes)), kind.isRead else { return false }
    let archive = try stream.openArchive()
    while true {
      do throws(ArchiveError) {
        guard let member = try archive.next() else { return false }
        if SupplierSet.name(member.path) != nil { return true }
        if member.kind != .regular || member.isEncrypted
          || plainExtensions.contains(FilePath(member.path).fileExtension)
        {
          continue
        }
        // An archive in the archive.
        if Archive.kind(of: try archive.read(upTo: Archive.headBytes))?.isRead == true { return true }
      } catch {
        return !error.endsArchive
      }
    }
  }
}
