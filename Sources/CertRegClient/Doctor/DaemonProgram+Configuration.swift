extension DaemonProgram {
  /// The configuration that certregd reads if nothing names another one. It may be absent.
  private static let defaultConfiguration = "/etc/certregd/config.yaml"

  /// The flags of certregctl's own command line, for root. Root does not use a configuration that other users can
  /// change.
  static func protectedFlags(_ flags: [String], _ probe: HostProbe) throws(Omission) -> [String] {
    if let index = flags.firstIndex(of: "--config"), index + 1 < flags.count {
      var checked = flags
      checked[index + 1] = try protectedPath(flags[index + 1], probe)
      return checked
    }
    if let path = probe.environment["CERTREGD_CONFIG"], !path.isEmpty {
      return try ["--config", protectedPath(path, probe)] + flags
    }
    if probe.file(defaultConfiguration) == nil, isAbsentForGood(defaultConfiguration, probe) { return flags }
    return try ["--config", protectedPath(defaultConfiguration, probe)] + flags
  }

  /// The configuration at `path`, without symbolic links. One that is not there is refused, too: another user could put
  /// it there before certregd opens it.
  private static func protectedPath(_ path: String, _ probe: HostProbe) throws(Omission) -> String {
    if let resolved = probe.protectedPath(path) { return resolved }
    guard probe.file(path) != nil else {
      throw Omission(
        reason: "there is no \(path), or its folder is hidden from \(probe.user)",
        cure: "name the configuration with --config")
    }
    throw Omission(
      reason: "other users than root can change \(path), and it can name programs to run",
      cure: "run certregctl doctor as the user whose file it is")
  }

  /// Whether only root could put a file at `path`, where there is none now.
  private static func isAbsentForGood(_ path: String, _ probe: HostProbe) -> Bool {
    var folder = path
    while let slash = folder.lastIndex(of: "/"), folder != "/" {
      folder = slash == folder.startIndex ? "/" : String(folder[..<slash])
      if probe.file(folder) != nil || folder == "/" { return probe.protectedPath(folder) != nil }
    }
    return false
  }
}
