import Glibc

/// Finds the systemd unit of a process through the file system of control groups, where the process's entry in /proc is
/// hidden (`ProtectProc=invisible`).
///
/// A process is looked for where others were found before; only one that is in none of those groups costs a walk.
struct ControlGroups {
  /// Where systemd's own hierarchy may be: hybrid, legacy, unified (systemd's src/basic/cgroup-util.c). The unified one
  /// comes last, since on other hosts that folder holds the hierarchies of all controllers.
  private static let hierarchies = ["/unified", "/systemd", ""]
  private static let rememberedGroups = 8
  private static let mostGroups = 8192
  private static let mostPathBytes = 2048

  private let roots: [String]
  /// Paths below a root, the last useful one first.
  private var recent: [(root: String, path: String)] = []

  init(mountPoint: String = "/sys/fs/cgroup") {
    roots = ControlGroups.hierarchies.map { mountPoint + $0 }
  }

  /// The unit that `process` is in; `nil` if it is found in none.
  mutating func unit(of process: Int32) -> String? {
    let line = "\(process)"
    if let index = recent.firstIndex(where: { Self.members("\($0.root)\($0.path)/cgroup.procs").contains(line[...]) }) {
      let found = recent.remove(at: index)
      recent.insert(found, at: 0)
      return Self.unit(ofGroup: found.path)
    }
    for root in roots {
      if let path = Self.search(root, for: line) {
        recent.insert((root, path), at: 0)
        recent = Array(recent.prefix(Self.rememberedGroups))
        return Self.unit(ofGroup: path)
      }
    }
    return nil
  }

  /// The unit of a group's path: the first component that is no slice (systemd's cg_path_decode_unit).
  static func unit(ofGroup path: String) -> String? {
    for component in path.split(separator: "/") {
      // systemd puts a `_` before names that the kernel would take for a file of its own.
      let name = component.hasPrefix("_") ? component.dropFirst() : component
      if name.hasSuffix(".service") || name.hasSuffix(".scope") || name.hasSuffix(".socket") { return String(name) }
      guard name.hasSuffix(".slice") else { return nil }
    }
    return nil
  }

  /// Goes level by level: a user may have made any number of groups, but only below the user's own, and the groups of
  /// services are above that.
  private static func search(_ root: String, for line: String) -> String? {
    var paths = [""]
    var next = 0
    while next < paths.count {
      let path = paths[next]
      next += 1
      if !path.isEmpty, members("\(root)\(path)/cgroup.procs").contains(line[...]) { return path }
      guard paths.count < mostGroups, path.utf8.count < mostPathBytes else { continue }
      paths += groups(in: root + path).prefix(mostGroups - paths.count).map { "\(path)/\($0)" }
    }
    return nil
  }

  private static func groups(in folder: String) -> [String] {
    guard let directory = opendir(folder) else { return [] }
    defer { closedir(directory) }
    var groups: [String] = []
    while groups.count < mostGroups, let entry = readdir(directory) {
      guard entry.pointee.d_type == UInt8(DT_DIR) else { continue }
      let name = withUnsafePointer(to: &entry.pointee.d_name) { pointer in
        pointer.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
      }
      if !name.hasPrefix(".") { groups.append(name) }
    }
    return groups
  }

  /// The lines of a small file of the kernel's; none where it cannot be read.
  private static func members(_ path: String) -> [Substring] {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { return [] }
    defer { close(descriptor) }
    var text: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 4096)
    while true {
      let count = read(descriptor, &buffer, buffer.count)
      guard count > 0 else { break }
      text += buffer.prefix(count)
    }
    return String(decoding: text, as: UTF8.self).split(separator: "\n")
  }
}
