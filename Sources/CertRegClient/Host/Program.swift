import CSpawn
import CertRegCore
import Glibc

/// Runs programs without a shell.
enum Program {
  /// `POSIX_SPAWN_SETSID` of spawn.h, whose declaration only GNU programs see.
  private static let newSession: Int16 = 0x80
  private static let maximumOutputBytes = 65_536

  /// Runs `arguments`, whose first is an absolute path, and reads what the program prints.
  ///
  /// - Parameters:
  ///   - environment: All variables that the program gets.
  ///   - timeout: How long the program may take.
  /// - Returns: `nil` where the program cannot be started, or did not end in time and was stopped.
  static func run(
    _ arguments: [String], environment: [String: String], timeout: Duration, clock: HostClock
  ) -> HostProbe.ProgramResult? {
    var ends: [Int32] = [-1, -1]
    guard pipe2(&ends, O_CLOEXEC) == 0 else { return nil }
    let child = spawn(arguments, environment: environment, output: ends[1])
    close(ends[1])
    defer { close(ends[0]) }
    guard let child else { return nil }
    let deadline = clock.monotonic + timeout
    let output = read(ends[0], until: deadline, clock)
    let status = output == nil ? nil : exitStatus(of: child, until: deadline, clock)
    guard let output, let status else {
      stop(child)
      return nil
    }
    return HostProbe.ProgramResult(status: status, output: output)
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
    // Whatever the caller of certregctl left open is not for a program that runs as another user.
    posix_spawn_file_actions_addclosefrom_np(&actions, STDERR_FILENO + 1)
    // A new session has no terminal. Otherwise a program that runs as another user could type on this one's.
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

  /// The output up to its end, or its beginning where it is longer than the limit; `nil` when the deadline passes
  /// first.
  private static func read(_ descriptor: Int32, until deadline: MonotonicTime, _ clock: HostClock) -> String? {
    var output: [UInt8] = []
    var chunk = [UInt8](repeating: 0, count: 4096)
    while clock.monotonic < deadline {
      var entry = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
      guard poll(&entry, 1, clock.pollTimeout(until: deadline)) > 0 else { continue }
      let count = Glibc.read(descriptor, &chunk, chunk.count)
      if count <= 0 { return String(decoding: output, as: UTF8.self) }
      if output.count < maximumOutputBytes { output.append(contentsOf: chunk[..<count]) }
    }
    return nil
  }

  /// How the child ended; `nil` when the deadline passes first. A program may go on after it has closed its output.
  private static func exitStatus(of child: pid_t, until deadline: MonotonicTime, _ clock: HostClock) -> Int32? {
    var status: Int32 = 0
    while true {
      let ended = waitpid(child, &status, WNOHANG)
      if ended == child { break }
      if ended < 0, errno != EINTR { return nil }
      guard clock.monotonic < deadline else { return nil }
      poll(nil, 0, 5)
    }
    // The status of wait(2): the low seven bits are the signal that ended the child, 0 for an exit.
    return status & 0x7F == 0 ? (status >> 8) & 0xFF : 128 + (status & 0x7F)
  }

  /// Stops the child and the programs that it started: it leads a session, and with it a process group.
  private static func stop(_ child: pid_t) {
    kill(-child, SIGKILL)
    kill(child, SIGKILL)
    var status: Int32 = 0
    while waitpid(child, &status, 0) < 0, errno == EINTR {}
  }
}
