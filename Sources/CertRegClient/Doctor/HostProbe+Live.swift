import CertRegCore
import Glibc

extension HostProbe {
  /// The machine that this runs on.
  package static func live(socketPath: String, environment: [String: String], timeout: Duration) -> HostProbe {
    HostProbe(
      environment: environment, user: userName(geteuid()), userID: geteuid(), groups: groupNames(),
      wallTime: Clock.wall,
      file: fileFacts, room: room,
      status: {
        do throws(ClientError) {
          return .success(try Connection(path: socketPath).ask(Request("status"), timeout: timeout))
        } catch {
          return .failure(error)
        }
      },
      daemonProcess: daemonProcess,
      // Checks of upstreams are the longest: three exchanges, each with a limit of its own.
      run: {
        Program.run(
          $0.arguments, environment: $0.environment ?? environment, timeout: .seconds(40))
      })
  }

  private static func userName(_ id: uid_t) -> String {
    getpwuid(id).map { String(cString: $0.pointee.pw_name) } ?? String(id)
  }

  private static func groupName(_ id: gid_t) -> String {
    getgrgid(id).map { String(cString: $0.pointee.gr_name) } ?? String(id)
  }

  private static func groupNames() -> [String] {
    var ids = [gid_t](repeating: 0, count: 256)
    let count = getgroups(Int32(ids.count), &ids)
    return Set(ids.prefix(Int(max(0, count))) + [getegid()]).sorted().map(groupName)
  }

  private static func fileFacts(_ path: String) -> FileFacts? {
    var status = stat()
    guard stat(path, &status) == 0 else { return nil }
    let kind: FileFacts.Kind =
      switch status.st_mode & S_IFMT {
      case S_IFSOCK: .socket
      case S_IFDIR: .folder
      case S_IFREG: .file
      default: .other
      }
    return FileFacts(
      kind: kind, mode: UInt16(status.st_mode & 0o7777), owner: userName(status.st_uid),
      group: groupName(status.st_gid), isReadable: access(path, R_OK) == 0, isWritable: access(path, W_OK) == 0,
      isExecutable: access(path, X_OK) == 0)
  }

  private static func room(_ path: String) -> Room? {
    var status = statvfs()
    guard statvfs(path, &status) == 0 else { return nil }
    return Room(
      bytes: Int64(clamping: UInt64(status.f_bavail) * UInt64(status.f_frsize)),
      // File systems without a limit on files say 0 of 0.
      files: status.f_files == 0 ? .max : Int64(clamping: status.f_favail))
  }

  private static func daemonProcess(_ id: Int) -> DaemonProcess? {
    let folder = "/proc/\(id)"
    guard contents("\(folder)/comm") == "certregd\n", let user = user(contents("\(folder)/status") ?? ""),
      let arguments = contents("\(folder)/cmdline")
    else { return nil }
    let environment = contents("\(folder)/environ").map { text in
      Dictionary(fields(text).compactMap(variable)) { first, _ in first }
    }
    var directory: String?
    if environment != nil, let path = realpath("\(folder)/cwd", nil) {
      directory = String(cString: path)
      free(path)
    }
    return DaemonProcess(
      user: user, arguments: Array(fields(arguments).dropFirst()), environment: environment, workingDirectory: directory
    )
  }

  /// The effective numbers in `Uid:` and `Gid:` of proc(5), the second of four.
  private static func user(_ status: String) -> DaemonProcess.User? {
    func number(_ name: String) -> UInt32? {
      let line = status.split(separator: "\n").first { $0.hasPrefix(name) }
      let fields = line?.split(separator: "\t") ?? []
      return fields.count > 2 ? UInt32(fields[2]) : nil
    }
    guard let id = number("Uid:"), let group = number("Gid:") else { return nil }
    return DaemonProcess.User(id: id, group: group)
  }

  private static func variable(_ text: String) -> (String, String)? {
    text.firstIndex(of: "=").map { (String(text[..<$0]), String(text[text.index(after: $0)...])) }
  }

  /// Each ended by a NUL.
  private static func fields(_ text: String) -> [String] {
    text.split(separator: "\0", omittingEmptySubsequences: false).dropLast().map(String.init)
  }

  private static func contents(_ path: String) -> String? {
    guard let file = fopen(path, "re") else { return nil }
    defer { fclose(file) }
    var bytes: [UInt8] = []
    var chunk = [UInt8](repeating: 0, count: 4096)
    while true {
      let count = fread(&chunk, 1, chunk.count, file)
      if count == 0 { return ferror(file) == 0 ? String(decoding: bytes, as: UTF8.self) : nil }
      bytes += chunk[..<count]
    }
  }
}
