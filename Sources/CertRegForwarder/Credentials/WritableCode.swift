import Glibc

/// Memory that is both writable and executable.
enum WritableCode {
  /// Whether this process and the programs that it starts may not map such memory, as `MemoryDenyWriteExecute=yes` of
  /// systemd.exec(5) has it.
  static var isDenied: Bool {
    let page = sysconf(Int32(_SC_PAGESIZE))
    let address = mmap(nil, page, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)
    if address == MAP_FAILED { return errno == EPERM || errno == EACCES }
    munmap(address, page)
    return false
  }
}
