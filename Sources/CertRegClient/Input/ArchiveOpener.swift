/// The one place where archives are opened, nested ones among them.
enum ArchiveOpener {
  /// Archives are read up to this depth.
  static let maximumDepth = 3

  static let tooLarge = InputError(
    .noCertificate, "larger than \(ByteStream.maximumElementBytes / 1_048_576) MiB: not read")

  /// The reader of an archive or a compressed file; `nil` for anything else.
  ///
  /// - Throws: `InputError` where the archive cannot be read.
  static func reader(
    _ stream: ByteStream, _ head: ArraySlice<UInt8>, path: FilePath, name: String, _ context: InputContext
  ) throws(InputError) -> (any InputReader)? {
    if try stream.isGzip() {
      stream.inflate()
      return try InputOpener.reader(stream, path: path.withoutExtension, name: name, context)
    }
    let members: any ArchiveMembers
    if TarSource.recognizes(head) {
      members = TarSource(stream: stream)
    } else if ZipSource.recognizes(head) {
      members = try ZipSource(path: path)
    } else {
      return nil
    }
    guard context.depth < maximumDepth else {
      return SingleReader(
        InputEntry(
          place: name,
          InputError(.unreadable, "an archive in an archive, nested too deeply", advice: "unpack the outer one first")))
    }
    return MembersReader(members, name: name, context)
  }
}

/// The files of an archive one after the other.
protocol ArchiveMembers {
  /// The next file; `nil` at the end.
  ///
  /// - Throws: `InputError` where nothing more can be read.
  mutating func nextMember() throws(InputError) -> ArchiveFile?

  /// The share that has been read, from 0 to 1; `nil` where the size is not known.
  var fraction: Double? { get }
}

/// A file of an archive.
struct ArchiveFile {
  /// The path in the archive. Untrusted: it is printed and never opened.
  var path: String
  /// The content, or why it cannot be read.
  var content: Result<ByteStream, InputError>
}

/// Reads the files of an archive like files of a folder.
struct MembersReader: InputReader {
  private var members: any ArchiveMembers
  private let name: String
  private var context: InputContext
  private var reader: (any InputReader)?
  /// The place and the path of the file that is read.
  private var current = ""
  private var member = ""
  private var isEmpty = true

  init(_ members: any ArchiveMembers, name: String, _ context: InputContext) {
    self.members = members
    self.name = name
    self.context = context
    self.context.depth += 1
    self.context.wasFound = true
    self.context.options.format = nil
  }

  var fraction: Double? { members.fraction }

  mutating func next() throws(InputError) -> Sighting? {
    while true {
      if reader != nil {
        do throws(InputError) {
          if let sighting = try reader?.next() { return SupplierSet.marked(sighting, path: member) }
          reader = nil
        } catch {
          reader = nil
          return Sighting(InputEntry(place: current, error))
        }
      }
      guard let file = try members.nextMember() else {
        defer { isEmpty = false }
        return isEmpty ? Sighting(InputEntry(place: name, InputError(.noCertificate, "the archive is empty"))) : nil
      }
      isEmpty = false
      member = file.path
      current = "\(name)!\(member)"
      if let thing = SupplierSet.thing(member, selected: context.options.set) {
        return Sighting(InputEntry(place: current, thing))
      }
      do throws(InputError) {
        reader = try InputOpener.reader(try file.content.get(), path: FilePath(member), name: current, context)
      } catch {
        return Sighting(InputEntry(place: current, error))
      }
    }
  }
}
