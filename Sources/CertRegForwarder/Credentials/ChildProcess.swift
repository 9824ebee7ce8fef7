import CSpawn
import CertRegClock
import CertRegCore
import Glibc

/// Why a program gave no result.
enum ChildProcessError: Error, Hashable, CustomStringConvertible {
  case notStarted(errno: Int32)
  case timedOut
  case cancelled
  case tooMuchOutput
  case killed(signal: Int32)

  var isTransient: Bool {
    switch self {
    case .timedOut, .cancelled, .killed: true
    case .notStarted(let code): code == EAGAIN || code == ENOMEM || code == EMFILE || code == ENFILE
    case .tooMuchOutput: false
    }
  }

  var description: String {
    switch self {
    case .notStarted(let code): "it cannot be started: \(String(cString: strerror(code)))"
    case .timedOut: "it did not end within the time limit"
    case .cancelled: "it was ended because nobody waits for it any more"
    case .tooMuchOutput: "it printed more than any set of credentials has"
    case .killed(let signal): "it was ended by signal \(signal)"
    }
  }
}

/// Runs a program to its end and collects what it prints.
enum ChildProcess {
  struct Result: Sendable {
    var exitStatus: Int32
    var standardOutput: [UInt8]
    var standardError: [UInt8]
  }

  /// Blocks until the program ends.
  ///
  /// The program gets no input, no descriptor but its own three, default signal handling, and a process group of its own
  /// that is ended as a whole where it takes too long.
  ///
  /// - Parameters:
  ///   - words: The program, looked up in `PATH`, and its arguments.
  ///   - environment: `NAME=value` each.
  ///   - isCancelled: Asked a few times a second.
  static func run(
    _ words: [String], environment: [String], timeout: Duration, outputLimitBytes: Int, isCancelled: () -> Bool
  ) throws(ChildProcessError) -> Result {
    let output = try Pipe()
    let errors = try Pipe()
    let child = try spawn(words, environment: environment, output: output.writing, errors: errors.writing)
    output.closeWriting()
    errors.closeWriting()
    var collected = Collected()
    let end = HostClock.system.monotonic + timeout
    let status: Int32
    do throws(ChildProcessError) {
      try collect(&collected, output, errors, until: end, limit: outputLimitBytes, isCancelled: isCancelled)
      status = try wait(child, until: end, isCancelled: isCancelled)
    } catch {
      kill(-child, SIGKILL)
      while waitpid(child, nil, 0) < 0, errno == EINTR {}
      throw error
    }
    // The low seven bits hold the signal, the next byte the exit status (`wait(2)`).
    guard status & 0x7f == 0 else { throw .killed(signal: status & 0x7f) }
    return Result(exitStatus: status >> 8 & 0xff, standardOutput: collected.output, standardError: collected.errors)
  }

  private struct Collected {
    var output: [UInt8] = []
    var errors: [UInt8] = []
  }

  /// Both ends of a pipe; closes what is still open at the end of its life.
  private final class Pipe {
    private(set) var reading: Int32
    private(set) var writing: Int32

    init() throws(ChildProcessError) {
      var ends: [Int32] = [-1, -1]
      guard pipe2(&ends, O_CLOEXEC) == 0 else { throw .notStarted(errno: errno) }
      reading = ends[0]
      writing = ends[1]
    }

    func closeReading() {
      if reading >= 0 { close(reading) }
      reading = -1
    }

    func closeWriting() {
      if writing >= 0 { close(writing) }
      writing = -1
    }

    deinit {
      closeReading()
      closeWriting()
    }
  }

  private static func spawn(
    _ words: [String], environment: [String], output: Int32, errors: Int32
  ) throws(ChildProcessError) -> pid_t {
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0)
    posix_spawn_file_actions_adddup2(&actions, output, STDOUT_FILENO)
    posix_spawn_file_actions_adddup2(&actions, errors, STDERR_FILENO)
    posix_spawn_file_actions_addclosefrom_np(&actions, 3)

    var attributes = posix_spawnattr_t()
    posix_spawnattr_init(&attributes)
    defer { posix_spawnattr_destroy(&attributes) }
    var signals = sigset_t()
    sigemptyset(&signals)
    posix_spawnattr_setsigmask(&attributes, &signals)
    sigfillset(&signals)
    posix_spawnattr_setsigdefault(&attributes, &signals)
    posix_spawnattr_setpgroup(&attributes, 0)
    posix_spawnattr_setflags(
      &attributes, Int16(POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK))

    var arguments = words.map { strdup($0) } + [nil]
    var variables = environment.map { strdup($0) } + [nil]
    defer { for text in arguments + variables { free(text) } }
    var child = pid_t()
    let code = posix_spawnp(&child, words[0], &actions, &attributes, &arguments, &variables)
    guard code == 0 else { throw .notStarted(errno: code) }
    return child
  }

  /// Reads both pipes until both end.
  private static func collect(
    _ collected: inout Collected, _ output: Pipe, _ errors: Pipe, until end: MonotonicTime, limit: Int,
    isCancelled: () -> Bool
  ) throws(ChildProcessError) {
    while output.reading >= 0 || errors.reading >= 0 {
      // Negative descriptors are skipped (`poll(2)`).
      var polled = [
        pollfd(fd: output.reading, events: Int16(POLLIN), revents: 0),
        pollfd(fd: errors.reading, events: Int16(POLLIN), revents: 0),
      ]
      let ready = poll(&polled, 2, 100)
      if isCancelled() { throw .cancelled }
      guard HostClock.system.monotonic < end else { throw .timedOut }
      guard ready > 0 else { continue }
      if polled[0].revents != 0, !read(output.reading, into: &collected.output) { output.closeReading() }
      if polled[1].revents != 0, !read(errors.reading, into: &collected.errors) { errors.closeReading() }
      guard collected.output.count <= limit, collected.errors.count <= limit else { throw .tooMuchOutput }
    }
  }

  /// Appends what is there; `false` at the end.
  private static func read(_ descriptor: Int32, into bytes: inout [UInt8]) -> Bool {
    var chunk = [UInt8](repeating: 0, count: 4096)
    let count = Glibc.read(descriptor, &chunk, chunk.count)
    if count < 0 { return errno == EINTR || errno == EAGAIN }
    bytes.append(contentsOf: chunk[..<count])
    return count > 0
  }

  /// The end of a program that has closed its output, which it may outlive.
  private static func wait(
    _ child: pid_t, until end: MonotonicTime, isCancelled: () -> Bool
  ) throws(ChildProcessError) -> Int32 {
    var status: Int32 = 0
    var pause: Int32 = 1
    while waitpid(child, &status, WNOHANG) == 0 {
      if isCancelled() { throw .cancelled }
      guard HostClock.system.monotonic < end else { throw .timedOut }
      poll(nil, 0, pause)
      pause = min(2 * pause, 100)
    }
    return status
  }
}
