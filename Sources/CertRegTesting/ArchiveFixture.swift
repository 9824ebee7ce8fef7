import CArchive
package import CertRegArchive
import Glibc

/// A member of an archive to write, or one that was read.
package struct Member: Hashable, Sendable {
  /// The path in the archive.
  package var path: String
  /// The content; nothing but that of a regular file is written.
  package var content: [UInt8]
  /// What kind of file it is.
  package var kind: ArchiveMember.Kind

  package init(path: String, content: [UInt8], kind: ArchiveMember.Kind = .regular) {
    self.path = path
    self.content = content
    self.kind = kind
  }
}

/// Writes archives with libarchive.
package struct ArchiveFixture {
  /// The formats, by libarchive's names.
  package enum Format: String, CaseIterable, Sendable {
    case ustar, v7 = "v7tar", gnu = "gnutar", pax, zip, sevenZip = "7zip", newc, odc, raw

    /// The kind that a reader recognises; `nil` for a file that is compressed and no archive.
    package var kind: ArchiveKind? {
      switch self {
      case .ustar, .v7, .gnu, .pax: .tar
      case .zip: .zip
      case .sevenZip: .sevenZip
      case .newc, .odc: .cpio
      case .raw: nil
      }
    }
  }

  private let format: Format
  private let filter: ArchiveKind?
  private let members: [Member]
  private let options: String

  /// - Parameters:
  ///   - filter: The compression around the archive.
  ///   - options: As archive_write_set_options(3) takes them.
  package init(_ format: Format, _ members: [Member], filter: ArchiveKind? = nil, options: String = "") {
    self.format = format
    self.filter = filter
    self.members = members
    self.options = options
  }

  /// The archive.
  ///
  /// - Throws: `Failure` with libarchive's message.
  package func bytes() throws -> [UInt8] {
    // As the reader does, so that names are converted the same whatever locale the test runs in.
    let earlier = uselocale(certreg_utf8_locale())
    defer { uselocale(earlier) }
    let archive = try Self.unwrap(archive_write_new())
    let sink = Sink()
    // Freeing writes what is left, also after an error.
    defer { withExtendedLifetime(sink) { _ = archive_write_free(archive) } }
    let isCode =
      format == .raw
      ? archive_write_set_format_raw(archive) : archive_write_set_format_by_name(archive, format.rawValue)
    try Self.check(isCode, archive)
    if let filter { try Self.check(archive_write_add_filter_by_name(archive, filter.rawValue), archive) }
    if !options.isEmpty { try Self.check(archive_write_set_options(archive, options), archive) }
    archive_write_set_bytes_per_block(archive, 0)
    let status = withExtendedLifetime(sink) {
      archive_write_open(
        archive, Unmanaged.passUnretained(sink).toOpaque(), nil,
        { _, context, data, count in
          guard let context, let data else { return -1 }
          let bytes = UnsafeRawBufferPointer(start: data, count: count)
          Unmanaged<Sink>.fromOpaque(context).takeUnretainedValue().bytes.append(contentsOf: bytes)
          return count
        }, nil)
    }
    try Self.check(status, archive)
    for member in members { try write(member, to: archive) }
    try Self.check(archive_write_close(archive), archive)
    return withExtendedLifetime(sink) { sink.bytes }
  }

  private func write(_ member: Member, to archive: OpaquePointer) throws {
    let entry = try Self.unwrap(archive_entry_new())
    defer { archive_entry_free(entry) }
    archive_entry_set_pathname(entry, member.path)
    archive_entry_set_perm(entry, 0o644)
    archive_entry_set_size(entry, Int64(member.content.count))
    switch member.kind {
    case .directory: archive_entry_set_filetype(entry, 0o040000)
    case .link:
      archive_entry_set_filetype(entry, 0o120000)
      archive_entry_set_symlink(entry, "elsewhere")
    case .other: archive_entry_set_filetype(entry, 0o010000)
    case .regular: archive_entry_set_filetype(entry, 0o100000)
    }
    try Self.check(archive_write_header(archive, entry), archive)
    guard member.kind == .regular, !member.content.isEmpty else { return }
    let written = member.content.withUnsafeBytes { archive_write_data(archive, $0.baseAddress, $0.count) }
    guard written == member.content.count else { throw Failure(text: "short write") }
  }

  private final class Sink { var bytes: [UInt8] = [] }

  /// libarchive refused to write.
  package struct Failure: Error {
    /// What it says.
    package var text: String
  }

  private static func unwrap(_ pointer: OpaquePointer?) throws -> OpaquePointer {
    guard let pointer else { throw Failure(text: "no memory") }
    return pointer
  }

  private static func check(_ status: Int32, _ archive: OpaquePointer) throws {
    guard status == ARCHIVE_OK else {
      throw Failure(text: archive_error_string(archive).map { String(cString: $0) } ?? "status \(status)")
    }
  }
}
