/// What an archive may cost. The defaults are far above archives of certificates.
package struct ArchiveLimits: Hashable, Sendable {
  /// Members of one archive.
  package var members = 10_000_000
  /// Bytes of a member's path. No path that Linux opens is longer (PATH_MAX).
  package var pathBytes = 4096
  /// Unpacked bytes of an archive, with those of all archives in it.
  package var contentBytes = 64 << 30
  /// How many unpacked bytes a packed byte may stand for. Deflate reaches 1,032 with zeros only (zlib's technical
  /// details).
  package var ratio = 1000
  /// Unpacked bytes to which ``ratio`` does not apply.
  package var freeBytes = 256 << 20
  /// How deep archives may lie in each other: 3 allows an archive in an archive in an archive.
  package var depth = 3
  /// Bytes of an archive that is read from its end and comes from within another archive or from a pipe. It is held in
  /// memory, never in a file system.
  package var heldBytes = 256 << 20
  /// Bytes of a zip archive's directory that are held in memory. With a longer one, members are read in the order of
  /// the archive.
  package var directoryBytes = 4 << 20

  package init() {}
}
