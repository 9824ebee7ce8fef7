import Glibc

/// An IPv6 address (RFC 4291).
struct IPv6Address: Equatable {
  /// 16 bytes in network order.
  let bytes: [UInt8]

  /// Reads any text form (RFC 4291 section 2.2), so that two ways to write one address are equal.
  init?(_ text: String) {
    var bytes = [UInt8](repeating: 0, count: 16)
    guard inet_pton(AF_INET6, text, &bytes) == 1 else { return nil }
    self.bytes = bytes
  }

  /// Whether the address is loopback, link-local or one of Amazon's link-local services in `fd00:ec2::/32`.
  var isLocal: Bool {
    let isLoopback = bytes.dropLast().allSatisfy { $0 == 0 } && bytes[15] == 1
    let isLinkLocal = bytes[0] == 0xfe && bytes[1] & 0xc0 == 0x80
    let isMapped = bytes[..<10].allSatisfy { $0 == 0 } && bytes[10] == 0xff && bytes[11] == 0xff
    let isLocalIPv4 = bytes[12] == 127 || bytes[12] == 169 && bytes[13] == 254
    return isLoopback || isLinkLocal || bytes.starts(with: [0xfd, 0x00, 0x0e, 0xc2]) || isMapped && isLocalIPv4
  }
}
