/// One member of an archive.
package struct ArchiveMember: Hashable, Sendable {
  /// What a member is.
  package enum Kind: Hashable, Sendable {
    case regular
    case directory
    /// A symbolic link, or a further name of another member. It has no content of its own.
    case link
    /// A device, pipe or socket.
    case other
  }

  /// The member's path, converted from the archive's encoding; empty for the content of a compressed file, which has
  /// the file's name. Untrusted: it can hold control characters and `..`. It is printed with escapes and never opened.
  package var path: String
  package var kind: Kind
  /// The size in bytes that the archive states; `nil` where it states none. Untrusted.
  package var size: Int?
  /// Whether the content is encrypted. It cannot be read then.
  package var isEncrypted: Bool

  package init(path: String, kind: Kind = .regular, size: Int? = nil, isEncrypted: Bool = false) {
    self.path = path
    self.kind = kind
    self.size = size
    self.isEncrypted = isEncrypted
  }
}
