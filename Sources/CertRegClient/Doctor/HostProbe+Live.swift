package import CertRegCore
import Glibc

extension HostProbe {
  /// Checks of upstreams take longest: a program for credentials and three exchanges for each target, each with a limit
  /// of its own.
  private static let programTimeout = Duration.seconds(60)

  /// The machine that certregctl runs on.
  ///
  /// - Parameters:
  ///   - environment: The variables of this process.
  ///   - timeout: How long the daemon may take to answer.
  package static func live(
    socketPath: String, environment: [String: String], timeout: Duration, clock: HostClock
  ) -> HostProbe {
    let search = ProgramSearch.current(environment: environment)
    let folders = search.folders.joined(separator: ":")
    return HostProbe(
      environment: environment, user: userName(geteuid()), userID: geteuid(), groups: groupNames(),
      wallTime: clock.wall, file: fileFacts,
      contact: { contact(socketPath, timeout, clock) },
      process: ProcessFacts.init(processID:),
      program: { search.program($0) },
      protectedPath: { ProtectedPath.resolve($0, owners: [geteuid()]) }, account: accountFacts,
      run: { command in
        var environment = command.environment
        environment["PATH"] = folders
        return Program.run(command.arguments, environment: environment, timeout: programTimeout, clock: clock)
      })
  }

  private static func contact(_ socketPath: String, _ timeout: Duration, _ clock: HostClock) -> Contact {
    var peer: PeerCredentials?
    do throws(ClientError) {
      let connection = try Connection(path: socketPath, clock: clock)
      peer = connection.peer
      let status = try connection.ask(Request("status"), timeout: timeout)
      // The first connection may have started the daemon, which took the socket over from the service manager since.
      if peer?.processID == 1 { peer = try Connection(path: socketPath, clock: clock).peer }
      return Contact(peer: peer, status: .success(status))
    } catch {
      return Contact(peer: peer, status: .failure(error))
    }
  }

  static func userName(_ id: uid_t) -> String {
    getpwuid(id).map { String(cString: $0.pointee.pw_name) } ?? String(id)
  }

  private static func groupName(_ id: gid_t) -> String {
    getgrgid(id).map { String(cString: $0.pointee.gr_name) } ?? String(id)
  }

  private static func groupNames() -> [String] {
    let count = getgroups(0, nil)
    var ids = [gid_t](repeating: 0, count: Int(max(0, count)))
    let found = getgroups(Int32(ids.count), &ids)
    return Set(ids.prefix(Int(max(0, found))) + [getegid()]).sorted().map(groupName)
  }

  private static func accountFacts(_ name: String) -> Account? {
    // The entry lies in memory that later calls write over.
    guard let entry = getpwnam(name)?.pointee else { return nil }
    let home = String(cString: entry.pw_dir)
    // The most groups that Linux allows (NGROUPS_MAX).
    var count: Int32 = 65_536
    var groups = [gid_t](repeating: 0, count: Int(count))
    guard getgrouplist(name, entry.pw_gid, &groups, &count) >= 0 else { return nil }
    return Account(
      userID: entry.pw_uid, groupID: entry.pw_gid,
      supplementaryGroupIDs: groups.prefix(Int(count)).filter { $0 != entry.pw_gid }, home: home)
  }

  static func fileFacts(_ path: String) -> FileFacts? {
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
}
