import CertRegArchive

/// Reads the certificate files of an archive as a stream.
package struct ArchiveSource: ImportSource {
  private let archive: ArchiveReader
  private let fileName: String
  /// A member that was read to find out whether there are members.
  private var first: ArchiveMember?
  private var ready: [ImportEntry] = []

  init(_ archive: ArchiveReader, first: ArchiveMember? = nil, fileName: String) {
    self.archive = archive
    self.first = first
    self.fileName = fileName
  }

  package var fraction: Double? { archive.fraction }

  package mutating func next() throws(InputError) -> ImportEntry? {
    while ready.isEmpty {
      do throws(ArchiveError) {
        guard let member = try nextMember() else { return nil }
        guard member.kind == .regular, !ArchiveSource.isHidden(member.path) else { continue }
        ready = try entries(of: member).reversed()
      } catch {
        guard let member = error.member, !error.endsArchive else { throw InputError(error) }
        ready = [ImportEntry(name: "\(fileName)/\(member)", error: InputError(error))]
      }
    }
    return ready.popLast()
  }

  private mutating func nextMember() throws(ArchiveError) -> ArchiveMember? {
    guard let member = first else { return try archive.next() }
    first = nil
    return member
  }

  private func entries(of member: ArchiveMember) throws(ArchiveError) -> [ImportEntry] {
    let name = "\(fileName)/\(member.path)"
    let limit = ByteStream.maximumElementBytes
    guard member.size ?? 0 <= limit, let content = try content(limit) else {
      guard CertificateInputs.claims(FilePath(name), []) else { return [] }
      return [ImportEntry(name: name, error: InputError(.noCertificate, "larger than \(limit >> 20) MiB: not read"))]
    }
    return ImportEntry.entries(ofMember: name, content)
  }

  /// The content of the current member; `nil` where it is larger than `limit`.
  private func content(_ limit: Int) throws(ArchiveError) -> [UInt8]? {
    var content: [UInt8] = []
    while content.count <= limit {
      let piece = try archive.read(upTo: 65_536)
      if piece.isEmpty { return content }
      content += piece
    }
    return nil
  }

  /// Whether a file is hidden (`.DS_Store`, `._name.pem`). Names in archives are untrusted: they are printed and never opened.
  private static func isHidden(_ path: String) -> Bool {
    path.split(separator: "/").last?.hasPrefix(".") ?? true
  }
}
