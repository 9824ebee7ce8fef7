import CertRegCrypto

/// Reads files, folders and standard input one after the other. Each file is opened when it is needed, so that sources
/// of any size take little memory.
package struct InputSource {
  private struct File {
    var path: FilePath
    /// Whether the file was found in a folder, which may contain other things.
    var wasFound: Bool
  }

  private let context: InputContext
  private var arguments: [FilePath]
  private var files: [File] = []
  private var ready: [InputEntry] = []
  private var reader: FileEntries?
  private var readerName = ""
  private let selection: InputSelection
  /// The list of devices, where no other source shares it.
  private let ownList: DeviceList?
  private var manifestSigners = ManifestSigners()
  /// Files found in the current argument.
  private var found = 0
  private var isFinished = false
  /// What was read, to be compared with what became of it.
  package private(set) var account = InputAccount()

  /// - Parameters:
  ///   - arguments: Files and folders; `-` is standard input.
  ///   - list: The list of devices that other sources share; `nil`: this one reads the list that the options name.
  ///   - signers: Certificates that may sign a Microchip manifest; empty: signatures are not checked.
  ///   - isInterrupted: Whether the user asked to stop. Then there are no more entries.
  /// - Throws: `InputError` where the list of devices cannot be read, and where a supplier's sets leave a choice that
  ///   the user has not made.
  init(
    _ arguments: [String], options: InputOptions = InputOptions(), list: DeviceList? = nil,
    signers: [SignerCertificate] = [],
    isInterrupted: @escaping () -> Bool = { false }
  ) throws(InputError) {
    self.arguments = arguments.reversed().map(FilePath.init)
    context = InputContext(options: options, signers: signers, isInterrupted: isInterrupted)
    let takesAnySet = try SetScan.isUnambiguous(arguments, options, isInterrupted)
    ownList = list == nil ? try DeviceList.of(options, isInterrupted: isInterrupted) : nil
    selection = InputSelection(options, list ?? ownList, takesAnySet: takesAnySet)
  }

  /// Reads files and folders as `register` and `import` do.
  ///
  /// - Throws: `InputError` as the other initialiser.
  package init(paths: [String], options: InputOptions) throws(InputError) {
    try self.init(paths, options: options)
  }

  /// Reads all entries, whatever the options select.
  init(unselected arguments: [FilePath], isInterrupted: @escaping () -> Bool) {
    self.arguments = arguments.reversed()
    context = InputContext(options: InputOptions(), isInterrupted: isInterrupted)
    ownList = nil
    selection = InputSelection(InputOptions(), nil, takesAnySet: true)
  }

  /// The share of the current argument that has been read, from 0 to 1.
  var fraction: Double? {
    guard found > 1 else { return reader?.fraction }
    return 1 - (Double(files.count) + (1 - (reader?.fraction ?? 1))) / Double(found)
  }

  /// The next entry; `nil` at the end, and once the user asked to stop.
  package mutating func next() -> InputEntry? {
    while ready.isEmpty, !context.isInterrupted() {
      if let sighting = nextSighting() {
        ready = sighting.entries.reversed().compactMap { manifestSigners.take($0) }
      } else if case let waiting = manifestSigners.rest(), !waiting.isEmpty {
        ready = waiting.reversed()
      } else if !isFinished {
        isFinished = true
        ready = ownList?.notFound().reversed() ?? []
      } else {
        return nil
      }
    }
    // What was read when the user stopped it may be half an entry.
    guard !context.isInterrupted(), let entry = ready.popLast() else { return nil }
    let decided = selection.decide(entry)
    account.read(decided)
    if case .failure(let error) = decided.content, error.leavesRest { account.isIncomplete = true }
    return decided
  }

  /// Opens the first argument, so that a source that cannot be read at all is known before anything is sent.
  ///
  /// - Throws: `InputError` that says why.
  mutating func openFirst() throws(InputError) {
    guard let argument = arguments.last else { return }
    if !argument.isStandardInput, try Folder.kind(of: argument) == .folder { return }
    arguments.removeLast()
    found = 1
    reader = try reader(File(path: argument, wasFound: false))
  }

  private mutating func nextSighting() -> Sighting? {
    while true {
      if reader != nil {
        do throws(InputError) {
          if let sighting = try reader?.next() { return SupplierSet.marked(sighting, path: readerName) }
          reader = nil
        } catch {
          reader = nil
          account.isIncomplete = true
          return Sighting(InputEntry(place: readerName, error))
        }
      } else if let file = files.popLast() {
        open(file)
      } else if let argument = arguments.popLast() {
        if let sighting = expand(argument) { return sighting }
      } else {
        return nil
      }
    }
  }

  private mutating func open(_ file: File) {
    do throws(InputError) {
      reader = try reader(file)
    } catch {
      reader = FileEntries(SingleReader(InputEntry(place: readerName, error)), place: readerName, context)
    }
  }

  private mutating func reader(_ file: File) throws(InputError) -> FileEntries {
    readerName = file.path.isStandardInput ? "stdin" : file.path.description
    var context = context
    context.wasFound = file.wasFound
    let stream = try ByteStream(path: file.path, isInterrupted: context.isInterrupted)
    if !file.wasFound, file.path.fileExtension == "jsonl" { context.keptRequests = KeptRequest.origin(of: stream) }
    // The column of the source whose entries were kept gave this member.
    if context.keptRequests != .none, context.options.nameColumn != nil {
      context.options.nameColumn = KeptRequest.nameMember
    }
    let opened = try InputOpener.reader(stream, path: file.path, name: readerName, context)
    return FileEntries(opened, place: readerName, context)
  }

  private mutating func expand(_ argument: FilePath) -> Sighting? {
    let isFolder: Bool
    do throws(InputError) {
      isFolder = argument.isStandardInput ? false : try Folder.kind(of: argument) == .folder
      guard isFolder else {
        files = [File(path: argument, wasFound: false)]
        found = 1
        return nil
      }
      var others: [InputEntry] = []
      files = try Folder.files(
        below: argument,
        passedOver: { path, other in others.append(InputEntry(place: path.description, other)) },
        unreadable: { path, error in others.append(InputEntry(place: path.description, error)) }
      ).reversed().map { File(path: $0, wasFound: true) }
      found = files.count
      if files.isEmpty, others.isEmpty {
        let error = InputError(.noCertificate, "the folder holds no file")
        return Sighting(InputEntry(place: argument.description, error))
      }
      return others.first.map { Sighting($0, Array(others.dropFirst())) }
    } catch {
      return Sighting(InputEntry(place: argument.description, error))
    }
  }
}
