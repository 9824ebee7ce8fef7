/// A form of archive or of compressed file.
package enum ArchiveKind: String, CaseIterable, Hashable, Sendable {
  case tar
  case zip
  case sevenZip = "7z"
  case cpio
  case gzip
  case bzip2
  case xz
  case zstd
  case rar
  case cab
  case iso
  case lha
  case arj
  case ar
  case compress
  case lzip
  case lz4
  case xar
  case rpm
  case wim

  /// Whether ``ArchiveReader`` opens it.
  package var isRead: Bool { isArchiveRead || isCompressed }

  /// Whether it is a compression that is read. The content is one file, or a tar or cpio archive.
  package var isCompressed: Bool {
    switch self {
    case .gzip, .bzip2, .xz, .zstd: true
    default: false
    }
  }

  private var isArchiveRead: Bool {
    switch self {
    case .tar, .zip, .sevenZip, .cpio: true
    default: false
    }
  }

  /// Whether reading begins at the end of the file, so that a pipe is held in memory first.
  var needsSeeking: Bool { self == .zip || self == .sevenZip }

  /// The kind with its article, for messages: `a 7z archive`, `a gzip file`.
  package var description: String {
    switch self {
    case .iso: "an ISO 9660 image"
    case .wim: "a Windows image (WIM)"
    case .ar: "an ar archive"
    case .arj: "an ARJ archive"
    case .rpm: "an RPM package"
    case .compress: "a file of compress (.Z)"
    case .gzip, .bzip2, .xz, .zstd, .lzip, .lz4: "\(self == .xz ? "an" : "a") \(rawValue) file"
    default: "a \(rawValue) archive"
    }
  }
}
