import CertRegArchive

/// The one place where archives and compressed files are opened, nested ones among them.
enum ArchiveOpener {
  /// The reader of an archive or a compressed file; `nil` for anything else.
  ///
  /// - Throws: `InputError` where the archive cannot be read.
  static func reader(
    _ stream: ByteStream, path: FilePath, name: String, _ context: InputContext
  ) throws(InputError) -> (any InputReader)? {
    let head = try stream.peek(Archive.headBytes)
    guard let kind = Archive.kind(of: head) else { return nil }
    if kind == .zip, ContentKind.isDocument(zip: Array(head)) { return SingleReader(context.entry(name, .document)) }
    guard kind.isRead else {
      let other = OtherContent.otherArchive
      guard context.wasFound else {
        var error = InputError(.otherContent, "\(kind.description), which is not read", advice: other.advice)
        error.otherContent = other
        return SingleReader(InputEntry(place: name, error))
      }
      return SingleReader(InputEntry(place: name, other))
    }
    let archive = try stream.openArchive()
    guard kind.isCompressed else { return MembersReader(archive, name: name, context) }
    let first: ArchiveMember?
    do throws(ArchiveError) { first = try archive.next() } catch { throw InputError(error) }
    guard let first else { return SingleReader(context.entry(name, .empty)) }
    // A compressed file has one member without a name; a compressed tar or cpio archive has many.
    guard first.path.isEmpty else { return MembersReader(archive, first: first, name: name, context) }
    let reader = try InputOpener.reader(
      ByteStream(memberOf: archive, isInterrupted: context.isInterrupted), path: path.withoutExtension, name: name,
      context)
    return CompressedReader(reader, archive, name: name)
  }
}

/// Reads a compressed file, and then looks for what is behind the compressed data.
struct CompressedReader: InputReader {
  private var reader: any InputReader
  private let archive: ArchiveReader
  private let name: String
  private var isAtEnd = false

  init(_ reader: any InputReader, _ archive: ArchiveReader, name: String) {
    self.reader = reader
    self.archive = archive
    self.name = name
  }

  var fraction: Double? { archive.fraction }

  var nothing: OtherContent { reader.nothing }

  var hasFiles: Bool { reader.hasFiles }

  var comparesCertificates: Bool { reader.comparesCertificates }

  mutating func next() throws(InputError) -> Sighting? {
    if isAtEnd { return nil }
    if let sighting = try reader.next() { return sighting }
    isAtEnd = true
    do throws(ArchiveError) { _ = try archive.next() } catch {
      return Sighting(InputEntry(place: name, InputError(error)))
    }
    return nil
  }
}

/// Reads the files of an archive like files of a folder.
struct MembersReader: InputReader {
  private let archive: ArchiveReader
  private let name: String
  private let context: InputContext
  /// A member that was read to find out whether there are members.
  private var first: ArchiveMember?
  private var reader: FileEntries?
  /// The place and the path of the file that is read.
  private var current = ""
  private var member = ""
  private var isEmpty = true

  init(_ archive: ArchiveReader, first: ArchiveMember? = nil, name: String, _ context: InputContext) {
    self.archive = archive
    self.first = first
    self.name = name
    self.context = context.ofMember
  }

  var fraction: Double? { archive.fraction }

  var hasFiles: Bool { true }

  mutating func next() throws(InputError) -> Sighting? {
    while true {
      if reader != nil {
        if let sighting = nextOfMember() { return SupplierSet.marked(sighting, path: member) }
        continue
      }
      do throws(ArchiveError) {
        guard let file = try nextMember() else {
          defer { isEmpty = false }
          return isEmpty ? Sighting(InputEntry(place: name, InputError(.noCertificate, "the archive is empty"))) : nil
        }
        if file.kind == .directory { continue }
        isEmpty = false
        if let sighting = open(file) { return sighting }
      } catch {
        guard let member = error.member, !error.endsArchive else { throw InputError(error) }
        return Sighting(InputEntry(place: "\(name)!\(member)", InputError(error)))
      }
    }
  }

  private mutating func nextMember() throws(ArchiveError) -> ArchiveMember? {
    guard let member = first else { return try archive.next() }
    first = nil
    return member
  }

  private mutating func nextOfMember() -> Sighting? {
    do throws(InputError) {
      if let sighting = try reader?.next() { return sighting }
      reader = nil
      return nil
    } catch {
      reader = nil
      return Sighting(failure(error))
    }
  }

  /// The failure of the present file, which may be the end of the archive, too.
  private func failure(_ error: InputError) -> InputEntry {
    var error = error
    if archive.isCutShort {
      error.message += "; what follows in the archive is not read"
      error.leavesRest = true
    }
    return InputEntry(place: current, error)
  }

  /// Opens a file, or says why it is not opened.
  private mutating func open(_ file: ArchiveMember) -> Sighting? {
    member = file.path
    current = "\(name)!\(member)"
    if let other = SupplierSet.otherContent(member, selected: context.options.set) {
      return Sighting(InputEntry(place: current, other))
    }
    if file.kind != .regular { return Sighting(InputEntry(place: current, .special)) }
    if file.isEncrypted { return Sighting(InputEntry(place: current, .encrypted)) }
    do throws(InputError) {
      let opened = try InputOpener.reader(
        ByteStream(memberOf: archive, isInterrupted: context.isInterrupted), path: FilePath(member), name: current,
        context)
      reader = FileEntries(opened, place: current, context)
      return nil
    } catch {
      return Sighting(failure(error))
    }
  }
}
