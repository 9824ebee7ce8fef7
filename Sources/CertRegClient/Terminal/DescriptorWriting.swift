import Glibc

/// Writes all bytes; `false` where the descriptor fails. Waits where it is full, also where it does not block: another
/// program that has the same pipe or terminal can have made it so, as node and ssh do.
@discardableResult
func writeAll(_ bytes: [UInt8], to descriptor: Int32) -> Bool {
  var offset = 0
  while offset < bytes.count {
    let count = bytes[offset...].withUnsafeBytes { write(descriptor, $0.baseAddress, $0.count) }
    if count < 0, errno == EINTR || errno == EAGAIN && waitsUntilWritable(descriptor) { continue }
    guard count > 0 else { return false }
    offset += count
  }
  return true
}

/// Waits until bytes can be written, or writing fails; `false` where waiting is not possible.
private func waitsUntilWritable(_ descriptor: Int32) -> Bool {
  var entry = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
  return poll(&entry, 1, -1) > 0 || errno == EINTR
}
