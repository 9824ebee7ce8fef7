import CertRegCore
import Glibc

/// A file that is read as bytes, because its content is in doubt.
final class RawFile {
  let path: String
  /// The size when it was opened.
  let sizeBytes: Int
  private let descriptor: Int32

  /// `nil` where there is no such file.
  ///
  /// - Throws: `failed` with the system's words, also for a directory, whose size is no number of bytes.
  init?(path: String) throws(StoreError) {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    if descriptor < 0, errno == ENOENT { return nil }
    guard descriptor >= 0 else { throw StoreError(system: "cannot open \(path)") }
    var information = stat()
    guard fstat(descriptor, &information) == 0, information.st_mode & S_IFMT == S_IFREG else {
      let error = information.st_mode & S_IFMT == S_IFDIR ? EISDIR : errno
      Glibc.close(descriptor)
      throw StoreError(system: "cannot read \(path)", error: error)
    }
    self.path = path
    self.descriptor = descriptor
    sizeBytes = information.st_size
  }

  deinit {
    Glibc.close(descriptor)
  }

  /// `count` bytes from `offset`; `nil` where the file ends before, or the disk cannot read them.
  func bytes(at offset: Int, count: Int) -> [UInt8]? {
    guard offset >= 0, count >= 0, offset + count <= sizeBytes else { return nil }
    var done = 0
    let bytes = [UInt8](unsafeUninitializedCapacity: count) { buffer, initialized in
      while done < count {
        let got = pread(descriptor, buffer.baseAddress.map { $0 + done }, count - done, off_t(offset + done))
        if got < 0, errno == EINTR { continue }
        guard got > 0 else { break }
        done += got
      }
      initialized = done
    }
    return done == count ? bytes : nil
  }
}

extension [UInt8] {
  /// An integer of `count` bytes, most significant first, as in SQLite's file formats. The caller has checked that the
  /// bytes exist.
  func bigEndian(at offset: Int, count: Int = 4) -> Int {
    var value = 0
    for index in offset..<offset + count { value = value << 8 | Int(self[index]) }
    return value
  }
}
