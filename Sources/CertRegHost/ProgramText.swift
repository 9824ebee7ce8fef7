import Glibc

/// The pages of code that are mapped into the process.
package enum ProgramText {
  /// Gives up the mapped pages of the program's code, most of which only the start needed: the dynamic linker and the Swift
  /// runtime read through large tables then. What runs on is mapped again from the page cache as it is used.
  ///
  /// Those of the program's own file alone: it stays mapped for good. Where a library was, another thread may have put something
  /// else by the time that it is given up. Does nothing where the kernel does not tell of its mappings.
  package static func releasePages() {
    guard let program = realpath("/proc/self/exe", nil) else { return }
    defer { free(program) }
    let programPath = String(cString: program)
    guard let maps = fopen("/proc/self/maps", "re") else { return }
    defer { fclose(maps) }
    var line: UnsafeMutablePointer<CChar>?
    var size = 0
    defer { free(line) }
    while getline(&line, &size, maps) > 0, let text = line {
      guard let range = codeRange(in: String(cString: text), of: programPath),
        // An address that the kernel just gave.
        let start = UnsafeMutableRawPointer(bitPattern: range.lowerBound)
      else { continue }
      // Pages that are mapped from a file and cannot be written hold nothing that the file does not.
      madvise(start, Int(range.upperBound - range.lowerBound), MADV_DONTNEED)
    }
  }

  /// The addresses of a line of /proc/pid/maps (proc(5)), where they are of executable pages that come from the file `program`
  /// and that nobody can write to.
  static func codeRange(in line: String, of program: String) -> Range<UInt>? {
    let fields = line.split(maxSplits: 5, whereSeparator: { $0 == " " })
    guard fields.count == 6, fields[1] == "r-xp", fields[5].drop(while: { $0 == " " }) == "\(program)\n" else {
      return nil
    }
    let addresses = fields[0].split(separator: "-")
    guard addresses.count == 2, let start = UInt(addresses[0], radix: 16), let end = UInt(addresses[1], radix: 16),
      start < end
    else { return nil }
    return start..<end
  }
}
