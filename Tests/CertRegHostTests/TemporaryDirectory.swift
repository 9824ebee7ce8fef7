import Glibc
import Testing

/// A separate directory for each test, short enough for socket paths, removed at the end.
final class TemporaryDirectory {
  let path: String

  init() throws {
    var template = Array("/tmp/certreg-host-XXXXXX".utf8CString)
    let made = template.withUnsafeMutableBufferPointer { buffer in buffer.baseAddress.flatMap { mkdtemp($0) } != nil }
    try #require(made)
    path = String(decoding: template.dropLast().map(UInt8.init(bitPattern:)), as: UTF8.self)
  }

  deinit { Self.remove(path) }

  func callAsFunction(_ name: String) -> String { "\(path)/\(name)" }

  private static func remove(_ path: String) {
    guard let directory = opendir(path) else { return }
    while let entry = readdir(directory) {
      let name = withUnsafePointer(to: &entry.pointee.d_name) { pointer in
        pointer.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
      }
      guard name != ".", name != ".." else { continue }
      if unlink("\(path)/\(name)") != 0 { remove("\(path)/\(name)") }
    }
    closedir(directory)
    rmdir(path)
  }
}

/// The result of lstat(2) for `path`; `nil` if there is no file.
func lstatMode(_ path: String) -> (kind: UInt32, permissions: UInt32, inode: UInt64)? {
  var status = stat()
  guard lstat(path, &status) == 0 else { return nil }
  return (status.st_mode & S_IFMT, status.st_mode & 0o7777, UInt64(status.st_ino))
}

func exists(_ path: String) -> Bool { lstatMode(path) != nil }

/// A Unix socket of `type`, bound to `path` unless it is `nil`.
func makeSocket(_ type: __socket_type, boundTo path: String? = nil) -> Int32 {
  let descriptor = socket(AF_UNIX, Int32(type.rawValue | SOCK_CLOEXEC.rawValue), 0)
  if let path { _ = withAddress(path) { bind(descriptor, $0, $1) } }
  return descriptor
}

/// The result of connect(2): 0 or the `errno`.
func connectResult(_ descriptor: Int32, to path: String) -> Int32 {
  withAddress(path) { connect(descriptor, $0, $1) } == 0 ? 0 : errno
}

private func withAddress(_ path: String, _ body: (UnsafePointer<sockaddr>, socklen_t) -> Int32) -> Int32 {
  var address = sockaddr_un()
  address.sun_family = sa_family_t(AF_UNIX)
  withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8.prefix(107)) }
  return withUnsafePointer(to: address) { pointer in
    pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { body($0, socklen_t(MemoryLayout<sockaddr_un>.size)) }
  }
}

func makeFile(_ path: String, _ text: String = "precious") {
  let descriptor = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o644)
  _ = write(descriptor, text, text.utf8.count)
  close(descriptor)
}

func readFile(_ path: String) -> String? {
  let descriptor = open(path, O_RDONLY | O_CLOEXEC)
  guard descriptor >= 0 else { return nil }
  defer { close(descriptor) }
  var bytes = [UInt8](repeating: 0, count: 65_536)
  let count = read(descriptor, &bytes, bytes.count)
  return count < 0 ? nil : String(decoding: bytes.prefix(count), as: UTF8.self)
}
