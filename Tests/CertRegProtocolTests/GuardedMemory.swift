import Glibc

/// Memory that ends at a page without access: reading or writing one byte too many ends the test run.
final class GuardedMemory {
  /// The bytes just before the guard.
  let bytes: UnsafeMutableRawBufferPointer
  private let mapping: UnsafeMutableRawPointer
  private let mappedBytes: Int

  init(count: Int) {
    let page = Int(sysconf(Int32(_SC_PAGESIZE)))
    let usable = (count + page - 1) / page * page
    mappedBytes = usable + page
    guard let start = mmap(nil, mappedBytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0),
      start != MAP_FAILED, mprotect(start + usable, page, PROT_NONE) == 0
    else { preconditionFailure("no guarded memory: errno \(errno)") }
    mapping = start
    bytes = UnsafeMutableRawBufferPointer(start: start + usable - count, count: count)
  }

  convenience init(_ content: some Collection<UInt8>) {
    self.init(count: content.count)
    bytes.copyBytes(from: content)
  }

  var readOnly: UnsafeRawBufferPointer { UnsafeRawBufferPointer(bytes) }

  deinit {
    munmap(mapping, mappedBytes)
  }
}
