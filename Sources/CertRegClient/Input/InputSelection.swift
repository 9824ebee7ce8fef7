import CertRegCore

/// Decides which entries are taken: those on a list of devices, and those of one set.
struct InputSelection {
  /// The names or certificate IDs on the list, and whether each was found; `nil` without a list.
  private var listed: [String: Bool]?
  private let listPath: String
  private let set: String?
  /// Whether the source is known to leave no choice among sets: it has one at most, or the selected one.
  private let takesAnySet: Bool

  /// - Throws: `InputError` where the list cannot be read.
  init(
    _ options: InputOptions, takesAnySet: Bool, isInterrupted: @escaping () -> Bool = { false }
  ) throws(InputError) {
    set = options.set
    self.takesAnySet = takesAnySet
    listPath = options.onlyPath ?? ""
    guard let path = options.onlyPath else { return }
    let stream: ByteStream
    do throws(InputError) {
      stream = try ByteStream(path: FilePath(path), isInterrupted: isInterrupted)
      if let encoding = TextEncoding.detect(try stream.peek(1024)) { stream.decodeText(encoding) }
    } catch {
      throw InputError(
        error.code, "--only \(path): \(error.message)",
        advice: "--only takes a file with the name or certificate ID of a device on each line")
    }
    var listed: [String: Bool] = [:]
    var heading: String?
    var lines = 0
    /// The other cells of the first line.
    var others: [String] = []
    while let line = try stream.nextLine() {
      let cells = line.split(omittingEmptySubsequences: false) { ",;\t".utf8.contains($0) }.map(InputSelection.name)
      let name = cells[0]
      if name.isEmpty || name.hasPrefix("#") { continue }
      lines += 1
      if lines == 1 { others = cells.dropFirst().filter { !$0.isEmpty } }
      if listed.isEmpty, heading == nil, InputSelection.isHeading(name) {
        heading = name
      } else {
        listed[InputSelection.key(name)] = false
      }
    }
    // A device can be called so, too.
    if listed.isEmpty, let heading { listed[heading] = false }
    // One line is no table.
    if lines == 1, heading == nil { for name in others { listed[InputSelection.key(name)] = false } }
    guard !listed.isEmpty else { throw InputError(.noCertificate, "--only \(path): the list is empty") }
    self.listed = listed
  }

  private static func name(_ cell: ArraySlice<UInt8>) -> String {
    DeviceFields.bare(DeviceFields.bare(TextEncoding.string(cell)).trimmingQuotes)
  }

  private static func isHeading(_ name: String) -> Bool {
    NameHeading.of(name) != nil || DeviceFields.plain(name) == "certificateid"
  }

  /// Certificate IDs are compared without regard to case, names as they are.
  private static func key(_ name: String) -> String {
    CertificateID(hex: Array(name.lowercased().utf8)).map(\.hex) ?? name
  }

  /// The entry, or the same entry as one that is passed over.
  mutating func decide(_ entry: InputEntry) -> InputEntry {
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
    guard listed != nil else { return entry }
    // Whose certificate this was to be cannot be told.
    if entry.deviceID == nil, case .failure = entry.content { return entry }
    var names = entry.deviceID.map { [InputSelection.key($0)] } ?? []
    if case .certificate(let certificate) = entry.content {
      names.append(certificate.id.hex)
      if entry.deviceID == nil, let name = certificate.commonName { names.append(name) }
    }
    let found = names.filter { listed?[$0] != nil }
    for name in found { listed?[name] = true }
    if found.isEmpty { entry.content = .passedOver(.notListed) }
    return entry
  }

  /// A failure for each device on the list that did not occur.
  func notFound() -> [InputEntry] {
    (listed ?? [:]).filter { !$0.value }.keys.sorted().map { name in
      InputEntry(
        place: listPath, deviceID: name, InputError(.notInSource, "on the list, but not in the source"))
    }
  }
}

extension String {
  /// The text without quotation marks around it.
  fileprivate var trimmingQuotes: String {
    hasPrefix("\"") && hasSuffix("\"") && count > 1 ? String(dropFirst().dropLast()) : self
  }

  /// Whether both are the same but for their case.
  fileprivate func caseInsensitiveCompare(_ other: String) -> Bool {
    lowercased() == other.lowercased()
  }
}
