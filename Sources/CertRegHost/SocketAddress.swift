import Glibc

/// The address of a Unix socket with a path.
struct SocketAddress {
  private var address = sockaddr_un()

  /// The longest path in bytes; the kernel wants a NUL after it.
  static let pathLimitBytes = MemoryLayout.size(ofValue: sockaddr_un().sun_path) - 1

  /// - Throws: `invalid` for a path that is empty, too long or has a NUL.
  init(path: String) throws(HostError) {
    let bytes = Array(path.utf8)
    guard !bytes.isEmpty, !bytes.contains(0) else {
      throw HostError(.invalid, message: "the socket's path is empty or holds a NUL")
    }
    guard bytes.count <= Self.pathLimitBytes else {
      throw HostError(
        .invalid,
        message: "\(path): the path has \(bytes.count) bytes; a Unix socket's path has at most \(Self.pathLimitBytes)")
    }
    guard bytes.last != UInt8(ascii: "/") else {
      throw HostError(.invalid, message: "\(path): the path names a directory, not a socket")
    }
    address.sun_family = sa_family_t(AF_UNIX)
    withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: bytes) }
  }

  /// Lends the address in the form that bind(2) and connect(2) take. The pointer is valid inside `body` only.
  func withPointer(_ body: (UnsafePointer<sockaddr>, socklen_t) -> Int32) -> Int32 {
    withUnsafePointer(to: address) { pointer in
      // sockaddr is the common beginning of every address type (sockaddr(3type)), read by the kernel through the
      // length.
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { body($0, socklen_t(MemoryLayout<sockaddr_un>.size)) }
    }
  }
}
