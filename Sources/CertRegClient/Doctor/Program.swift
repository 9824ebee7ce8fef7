import CertRegCore
import Glibc

/// Runs programs without a shell: those beside this one, of PATH, and of the system's folders for administrators.
enum Program {
  /// POSIX_SPAWN_SETSID of spawn.h, which shows it to GNU programs alone.
  private static let newSession: Int16 = 0x80
  private static let maximumOutputBytes = 65_536

  /// Runs `arguments` and reads what it prints. `nil`: there is no such program, or it did not end within `timeout` and was stopped.
  static func run(
    _ arguments: [String], environment: [String: String], timeout: Duration
  ) -> HostProbe.ProgramResult? {
    guard let name = arguments.first, let path = path(of: name) else { return nil }
    let arguments = [path] + arguments.dropFirst()
    var environment = environment
    // For what stands behind env(1) and setpriv(1).
    environment["PATH"] = folders.joined(separator: ":")
    var ends: [Int32] = [-1, -1]
    guard pipe(&ends) == 0 else { return nil }
    // Only the copies made for its standard streams reach the program: it must not hold the reading end of its own pipe.
    for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
    let child = spawn(arguments, environment: environment, output: ends[1])
    close(ends[1])
    defer { close(ends[0]) }
    guard let child else { return nil }
    let output = read(ends[0], until: Clock.now + timeout)
    if output == nil { kill(child, SIGKILL) }
    var status: Int32 = 0
    while waitpid(child, &status, 0) < 0, errno == EINTR {}
    // The status of wait(2): the low seven bits are the signal that ended it, 0 for an exit.
    let code = status & 0x7F == 0 ? (status >> 8) & 0xFF : 128 + (status & 0x7F)
    guard let output else { return nil }
    return HostProbe.ProgramResult(status: code, output: output)
  }

  private static var folders: [String] {
    var folders = (getenv("PATH").map { String(cString: $0) } ?? "").split(separator: ":").map(String.init)
    if let own = realpath("/proc/self/exe", nil) {
      folders.insert(String(cString: dirname(own)), at: 0)
      free(own)
    }
    return folders + ["/usr/sbin", "/sbin"]
  }

  private static func path(of name: String) -> String? {
    if name.contains("/") { return name }
    return folders.map { "\($0)/\(name)" }.first { access($0, X_OK) == 0 }
  }

  private static func spawn(
    _ arguments: [String], environment: [String: String], output: Int32
  ) -> pid_t? {
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0)
    posix_spawn_file_actions_adddup2(&actions, output, STDOUT_FILENO)
    posix_spawn_file_actions_adddup2(&actions, output, STDERR_FILENO)
    // A session of its own has no terminal: what runs as another user could otherwise type on this one's.
    var attributes = posix_spawnattr_t()
    posix_spawnattr_init(&attributes)
    defer { posix_spawnattr_destroy(&attributes) }
    posix_spawnattr_setflags(&attributes, newSession)
    let variables = environment.map { "\($0.key)=\($0.value)" }
    return withCStrings(arguments) { argv in
      withCStrings(variables) { envp in
        var child: pid_t = 0
        guard let name = argv[0], posix_spawn(&child, name, &actions, &attributes, argv, envp) == 0 else { return nil }
        return child
      }
    }
  }

  private static func withCStrings<Result>(
    _ strings: [String], _ body: (UnsafePointer<UnsafeMutablePointer<CChar>?>) -> Result?
  ) -> Result? {
    let copies = strings.map { strdup($0) }
    defer { for copy in copies { free(copy) } }
    // The array lives for the call; its strings are freed after it.
    return (copies + [nil]).withUnsafeBufferPointer { buffer in buffer.baseAddress.flatMap(body) }
  }

  /// What comes until the other side closes; `nil` when the deadline passes first.
  private static func read(_ descriptor: Int32, until deadline: MonotonicTime) -> String? {
    var output: [UInt8] = []
    var chunk = [UInt8](repeating: 0, count: 4096)
    while Clock.now < deadline {
      var entry = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
      guard poll(&entry, 1, Clock.pollTimeout(until: deadline)) > 0 else { continue }
      let count = Glibc.read(descriptor, &chunk, chunk.count)
      if count <= 0 { return String(decoding: output, as: UTF8.self) }
      if output.count < maximumOutputBytes { output.append(contentsOf: chunk[..<count]) }
    }
    return nil
  }
}
