import CertRegArchive

/// Finds out whether a source has several certificates for each chip, and the one that is selected, before anything of it
/// is sent.
enum SetScan {
  /// The extensions of files that are no archives, so that thousands of them need not be opened twice.
  private static let plainExtensions: Set<String> = [
    "pem", "crt", "cer", "der", "key", "p7b", "csv", "json", "jsonl", "txt",
  ]

  /// Whether nothing is left to be chosen in the sources.
  ///
  /// - Returns: `false` for pipes and other things than files and folders, which can be read only once.
  /// - Throws: `InputError` that names the sets with their counts where there are several and the options select none, or
  ///   one that is not there.
  static func isUnambiguous(
    _ arguments: [String], _ options: InputOptions, _ isInterrupted: @escaping () -> Bool = { false }
  ) throws(InputError) -> Bool {
    let paths = arguments.map(FilePath.init)
    guard !paths.contains(where: { $0.isStandardInput || Folder.isStream($0) }) else { return false }
    var suspects: [FilePath] = []
    // The reader says what is wrong with a path.
    var readsAll = true
    for path in paths {
      do throws(InputError) {
        if try mayHaveSet(path, isInterrupted) || options.set != nil && SupplierSet.name(path.description) != nil {
          suspects.append(path)
        }
      } catch {
        readsAll = false
      }
    }
    if suspects.isEmpty {
      guard readsAll, let set = options.set else { return true }
      throw .nothingToSelect(set)
    }
    let selected = options.set?.uppercased()
    var counts: [String: Int] = [:]
    var source = InputSource(unselected: suspects, isInterrupted: isInterrupted)
    while let entry = source.next() {
      guard let set = entry.set, case .certificate = entry.content else { continue }
      if set == selected { return true }
      counts[set, default: 0] += 1
    }
    // Nothing more is read.
    if isInterrupted() { return true }
    let sets = counts.sorted { $0.key < $1.key }
    let names = sets.map { "\($0.key) (\($0.value))" }.joined(separator: ", ")
    if let set = options.set {
      // What cannot be read may have it.
      if !readsAll || source.account.isIncomplete { return true }
      guard let first = sets.first else { throw .nothingToSelect(set) }
      throw InputError(
        .nothingToSelect, "--select \(set): there is no such set; there are: \(names)",
        advice: "choose one: --select \(first.key)")
    }
    guard sets.count > 1 else { return true }
    throw InputError(
      .notSelected, "several certificates for each chip, in the sets \(names)",
      advice: "choose one: --select \(sets[0].key)")
  }

  /// Whether something in a folder or archive has or may have the name of a set: what cannot be told by the names of
  /// files alone is read before anything of it is sent.
  private static func mayHaveSet(
    _ path: FilePath, _ isInterrupted: @escaping () -> Bool
  ) throws(InputError) -> Bool {
    guard try Folder.kind(of: path) == .folder else {
      return try fileMayHaveSet(path, isInterrupted)
    }
    return try Folder.files(below: path, passedOver: { _, _ in }, unreadable: { _, _ in }).contains { file in
      if SupplierSet.name(file.description) != nil { return true }
      if plainExtensions.contains(file.fileExtension) { return false }
      do throws(InputError) { return try fileMayHaveSet(file, isInterrupted) } catch { return false }
    }
  }

  /// Whether a file is an archive in which a set may be.
  private static func fileMayHaveSet(
    _ path: FilePath, _ isInterrupted: @escaping () -> Bool
  ) throws(InputError) -> Bool {
    let stream = try ByteStream(path: path, isInterrupted: isInterrupted)
    guard let kind = Archive.kind(of: try stream.peek(Archive.headBytes)), kind.isRead else { return false }
    let archive = try stream.openArchive()
    while !isInterrupted() {
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
    return false
  }
}
