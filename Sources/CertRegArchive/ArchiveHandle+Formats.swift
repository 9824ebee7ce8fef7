import CArchive
import Glibc

extension ArchiveHandle {
  /// Enables what an archive of `kind` needs, and no other code of libarchive.
  ///
  /// - Parameter zipInOrder: Read a zip archive from its beginning, without its directory.
  /// - Throws: `outOfMemory`.
  func enable(_ kind: ArchiveKind, zipInOrder: Bool) throws(ArchiveError) {
    var statuses: [Int32] = []
    switch kind {
    case .tar: statuses.append(archive_read_support_format_tar(archive))
    case .cpio: statuses.append(archive_read_support_format_cpio(archive))
    case .sevenZip: statuses.append(archive_read_support_format_7zip(archive))
    case .zip:
      // Where the directory is missing or damaged, the members are found without it.
      if !zipInOrder { statuses.append(archive_read_support_format_zip_seekable(archive)) }
      statuses.append(archive_read_support_format_zip_streamable(archive))
    // What is compressed is decompressed before.
    default: break
    }
    if kind.isCompressed {
      statuses.append(archive_read_support_format_tar(archive))
      statuses.append(archive_read_support_format_cpio(archive))
      statuses.append(archive_read_support_format_raw(archive))
      statuses.append(archive_read_support_format_empty(archive))
    }
    if kind == .tar || kind.isCompressed {
      // Archives that were joined with cat(1) have an end mark in the middle.
      statuses.append(archive_read_set_format_option(archive, "tar", "read_concatenated_archives", "1"))
    }
    // ARCHIVE_WARN would mean that an external program does the work.
    guard statuses.allSatisfy({ $0 == ARCHIVE_OK }) else { throw lastError(member: nil) }
  }

  /// Enables one filter, and the format of files that are no archives. libarchive looks for no other, so that a file
  /// that was compressed twice comes out compressed once.
  ///
  /// - Throws: `outOfMemory`.
  func enableFilter(of kind: ArchiveKind) throws(ArchiveError) {
    let filter =
      switch kind {
      case .bzip2: ARCHIVE_FILTER_BZIP2
      case .xz: ARCHIVE_FILTER_XZ
      default: ARCHIVE_FILTER_ZSTD
      }
    // ARCHIVE_WARN would mean that an external program does the work.
    guard archive_read_append_filter(archive, filter) == ARCHIVE_OK,
      archive_read_set_format(archive, ARCHIVE_FORMAT_RAW) == ARCHIVE_OK
    else { throw lastError(member: nil) }
  }

  /// libarchive's last error. It names most kinds in its text alone.
  func lastError(member: String?) -> ArchiveError {
    let text = archive_error_string(archive).map { String(cString: $0) } ?? ""
    let reason: ArchiveError.Reason =
      if text.contains("assphrase") || text.contains("ncrypt") || text.contains("Crypto")
        // Without a format libarchive (3.6) would call a function behind its table of formats.
        || (member == nil && hasFormat && archive_read_has_encrypted_entries(archive) == 1)
      {
        .encrypted
      } else if archive_errno(archive) == ENOMEM || text.contains("allocate") {
        .outOfMemory
      } else if text.contains("runcated") || text.isEmpty {
        .breaksOff
      } else if text.contains("nsupported") || text.contains("not supported") || text.contains("nknown codec") {
        .unsupportedMethod
      } else {
        .damaged
      }
    return ArchiveError(reason, member: member, offset: consumedBytes, detail: text, endsArchive: false)
  }
}

extension ArchiveError {
  /// The error as one of a member, unless it already names another.
  func inside(_ member: String?) -> ArchiveError {
    var error = self
    error.member = error.member ?? member
    return error
  }
}

extension ArchiveMember {
  /// The member of a header that libarchive has read.
  init(_ entry: OpaquePointer, in archive: OpaquePointer) {
    let isRaw = archive_format(archive) == ARCHIVE_FORMAT_RAW
    let kind: Kind =
      if certreg_entry_is_link(entry) != 0 {
        .link
      } else if certreg_entry_is_regular(entry) != 0 {
        .regular
      } else {
        certreg_entry_is_directory(entry) != 0 ? .directory : .other
      }
    let size = archive_entry_size_is_set(entry) != 0 ? Int(archive_entry_size(entry)) : nil
    self.init(
      path: isRaw ? "" : MemberName.text(of: entry, isZip: archive_format(archive) == ARCHIVE_FORMAT_ZIP), kind: kind,
      size: size.flatMap { $0 < 0 ? nil : $0 },
      isEncrypted: archive_entry_is_data_encrypted(entry) != 0 || archive_entry_is_metadata_encrypted(entry) != 0)
  }
}
