/// Why an archive, or a member of one, is not read.
package struct ArchiveError: Error, Hashable, Sendable {
  /// What is wrong.
  package enum Reason: Hashable, Sendable {
    /// The content is none of the forms that are read.
    case notAnArchive
    /// A form that is recognised but not read, such as rar.
    case notRead(ArchiveKind)
    /// The data contradict the form, or a checksum is wrong.
    case damaged
    /// The data end too early.
    case breaksOff
    /// The member, or the archive with its names, is encrypted.
    case encrypted
    /// The member is compressed in a way that is not read.
    case unsupportedMethod
    /// The member's path is longer than ``ArchiveLimits/pathBytes``.
    case pathTooLong
    /// The archive has more members than ``ArchiveLimits/members``.
    case tooManyMembers
    /// The content grows beyond ``ArchiveLimits/contentBytes``, or by more than ``ArchiveLimits/ratio``.
    case tooLarge
    /// The archive lies deeper in others than ``ArchiveLimits/depth``.
    case tooDeep
    /// An archive that must be held in memory is larger than ``ArchiveLimits/heldBytes``.
    case tooLargeToHold
    /// There is not enough memory for what the archive needs.
    case outOfMemory
    /// The source of the bytes failed.
    case unreadable
  }

  /// What is wrong.
  package var reason: Reason
  /// The path of the member; `nil` where the error concerns the archive as a whole.
  package var member: String?
  /// How many bytes of the source had been read at most when the error was found; `nil` where that says nothing.
  package var offset: Int?
  /// What libarchive or the source says, in printable ASCII; empty where it says nothing. No content of a member is in
  /// it.
  package var detail: String
  /// Whether the archive ends here. Otherwise ``ArchiveReader/next()`` goes on with the next member.
  package var endsArchive: Bool

  package init(
    _ reason: Reason, member: String? = nil, offset: Int? = nil, detail: String = "", endsArchive: Bool = true
  ) {
    self.reason = reason
    self.member = member
    self.offset = offset
    self.detail = String(String.UnicodeScalarView(detail.unicodeScalars.prefix(200).filter { 0x20..<0x7F ~= $0.value }))
    self.endsArchive = endsArchive
  }
}

extension ArchiveError: CustomStringConvertible {
  /// The error in words, without the member's name, which the caller prints beside it:
  /// `damaged in the archive (Lzma library error)`.
  package var description: String {
    let subject = member == nil ? "the archive" : "the member"
    let text =
      switch reason {
      case .notAnArchive: "no archive of a form that is read"
      case .notRead(let kind): "\(kind.description), which is not read"
      case .damaged: member == nil ? "the archive is damaged" : "damaged in the archive"
      case .breaksOff: member == nil ? "the archive breaks off" : "the archive breaks off in this member"
      case .encrypted: "encrypted"
      case .unsupportedMethod: "compressed in a way that is not read"
      case .pathTooLong: "its name is longer than a path can be"
      case .tooManyMembers: "the archive has too many members"
      case .tooLarge: "\(subject) grows too large when it is unpacked"
      case .tooDeep: "\(subject) lies too deep in other archives"
      case .tooLargeToHold: "\(subject) is too large to be read from within another archive or a pipe"
      case .outOfMemory: "\(subject) needs more memory to unpack than is allowed"
      case .unreadable: "\(subject) cannot be read"
      }
    let place = reason == .damaged && member == nil ? offset.map { " near byte \($0)" } ?? "" : ""
    return text + place + (detail.isEmpty ? "" : " (\(detail))")
  }
}
