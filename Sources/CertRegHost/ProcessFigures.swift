import Glibc

/// What the kernel counts for this process (proc(5)), in the units of Prometheus' process metrics.
package struct ProcessFigures: Hashable, Sendable {
  /// Processor time in user and kernel mode.
  package var cpuSeconds = 0.0
  /// Memory that is resident.
  package var residentBytes = 0
  /// Address space in use.
  package var virtualBytes = 0
  /// Number of threads.
  package var threads = 0
  /// Number of open descriptors.
  package var openFiles = 0
  /// `nil`: no limit.
  package var maxOpenFiles: Int?
  /// Seconds since 1970.
  package var startTime = 0.0

  /// Reads the figures; those that cannot be read are zero.
  package static func current() -> ProcessFigures {
    var figures = ProcessFigures()
    figures.readStat()
    figures.openFiles = entryCount(of: "/proc/self/fd")
    if let limit = try? ProcessLimits.openFiles(), limit.soft != .max {
      figures.maxOpenFiles = Int(clamping: limit.soft)
    }
    return figures
  }

  private mutating func readStat() {
    guard let text = contents(of: "/proc/self/stat"), let end = text.lastIndex(of: ")") else { return }
    // Fields from the third on; the second, the program's name, may hold anything.
    let fields = text[text.index(after: end)...].split(separator: " ")
    func field(_ number: Int) -> Double { fields.count > number - 3 ? Double(fields[number - 3]) ?? 0 : 0 }
    let ticks = Double(sysconf(Int32(_SC_CLK_TCK)))
    cpuSeconds = (field(14) + field(15)) / ticks
    threads = Int(exactly: field(20)) ?? 0
    virtualBytes = Int(exactly: field(23)) ?? 0
    residentBytes = Int(exactly: field(24) * Double(sysconf(Int32(_SC_PAGESIZE)))) ?? 0
    // The start is counted from the boot, whose own time stands where ProcSubset=pid hides it.
    startTime = seconds(of: CLOCK_REALTIME) - seconds(of: CLOCK_BOOTTIME) + field(22) / ticks
  }

  private func seconds(of clock: clockid_t) -> Double {
    var time = timespec()
    clock_gettime(clock, &time)
    return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
  }

  private func contents(of path: String) -> String? {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { return nil }
    defer { close(descriptor) }
    var buffer = [UInt8](repeating: 0, count: 4096)
    let count = read(descriptor, &buffer, buffer.count)
    return count > 0 ? String(decoding: buffer.prefix(count), as: UTF8.self) : nil
  }

  private static func entryCount(of path: String) -> Int {
    guard let directory = opendir(path) else { return 0 }
    defer { closedir(directory) }
    var count = 0
    while let entry = readdir(directory) {
      if entry.pointee.d_name.0 != 0x2E { count += 1 }
    }
    // The one that this reads through.
    return max(0, count - 1)
  }
}
