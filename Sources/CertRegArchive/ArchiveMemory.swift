import CArchive
import Glibc

/// Bounds the memory of the process.
package enum ArchiveMemory {
  /// How much memory a process may take in addition. A dictionary of 7z or xz has 64 MiB at the highest usual level.
  package static let additionalBytes = 512 << 20

  /// Lets the process take ``additionalBytes`` more than it has now, from here to its end.
  ///
  /// Archives state how much memory their decompression needs, and a 7z archive of a few kilobytes can state millions of members, which
  /// libarchive allocates at once. With the limit it reports `outOfMemory` instead. Programs call this once, before they open archives.
  package static func limit() {
    guard let present = dataBytes() else { return }
    _ = certreg_limit_data(rlim_t(present + additionalBytes))
  }

  /// The memory that RLIMIT_DATA counts: the sixth number of /proc/self/statm, in pages (proc(5)).
  private static func dataBytes() -> Int? {
    let descriptor = open("/proc/self/statm", O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { return nil }
    defer { close(descriptor) }
    var buffer = [UInt8](repeating: 0, count: 256)
    let count = Glibc.read(descriptor, &buffer, buffer.count)
    let fields = buffer.prefix(max(0, count)).split(separator: UInt8(ascii: " "))
    guard fields.count > 5, let pages = Int(String(decoding: fields[5], as: UTF8.self)) else { return nil }
    return pages * sysconf(Int32(_SC_PAGESIZE))
  }
}
