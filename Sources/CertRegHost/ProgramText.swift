import Glibc

/// The pages of code that are mapped into the process.
package enum ProgramText {
  /// Code of a file, mapped without write access.
  struct Mapping: Hashable {
    var file: String
    var addresses: Range<UInt>
  }

  /// Unmaps the pages of code that only the start needed; the kernel maps pages again from the page cache when they are
  /// used. At the start the dynamic linker and the Swift runtime read through large tables.
  ///
  /// Applies only to files that are never unloaded, since another mapping could otherwise take their addresses. Does
  /// nothing if the kernel does not tell of its mappings.
  package static func releasePages() {
    let lasting = Set(mappings().map(\.file).filter(staysMapped))
    // Looked at anew: what lasts is from now on where it is.
    for mapping in mappings() where lasting.contains(mapping.file) {
      // Pages that are mapped from a file and cannot be written hold what the file does, but for a debugger's
      // breakpoints.
      madvise(
        UnsafeMutableRawPointer(bitPattern: mapping.addresses.lowerBound), mapping.addresses.count, MADV_DONTNEED)
    }
  }

  /// Whether the file is never unmapped: the program's, or a library that says so to dlopen(3), which asks for that
  /// here.
  private static func staysMapped(_ file: String) -> Bool {
    if let program = realpath("/proc/self/exe", nil) {
      defer { free(program) }
      if String(cString: program) == file { return true }
    }
    guard let library = dlopen(file, RTLD_LAZY | RTLD_NOLOAD | RTLD_NODELETE) else { return false }
    dlclose(library)
    return true
  }

  private static func mappings() -> [Mapping] {
    guard let maps = fopen("/proc/self/maps", "re") else { return [] }
    defer { fclose(maps) }
    var mappings: [Mapping] = []
    var line: UnsafeMutablePointer<CChar>?
    var size = 0
    defer { free(line) }
    while getline(&line, &size, maps) > 0, let text = line {
      if let mapping = Mapping(line: String(cString: text)) { mappings.append(mapping) }
    }
    return mappings
  }
}

extension ProgramText.Mapping {
  /// Reads a line of /proc/pid/maps (proc(5)); `nil` for anything but executable pages of a file without write access.
  init?(line: String) {
    let fields = line.split(maxSplits: 5, whereSeparator: { $0 == " " })
    guard fields.count == 6, fields[1] == "r-xp", line.hasSuffix("\n") else { return nil }
    let file = fields[5].drop(while: { $0 == " " }).dropLast()
    let addresses = fields[0].split(separator: "-")
    guard file.hasPrefix("/"), addresses.count == 2, let start = UInt(addresses[0], radix: 16),
      let end = UInt(addresses[1], radix: 16), start < end
    else { return nil }
    self.init(file: String(file), addresses: start..<end)
  }
}
