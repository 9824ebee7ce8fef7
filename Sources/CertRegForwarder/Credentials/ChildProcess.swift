import CSpawn
import CertRegCore
import Glibc

/// Runs a program to its end and collects its output.
enum ChildProcess {
  /// The program's soft limit of open files. Programs that use select(2) fail with higher descriptors, and some close
  /// each one that they may have; the daemon's own limit is far higher.
  private static let mostDescriptors: rlim_t = 1024

  struct Result: Sendable {
    var exitStatus: Int32
    var standardOutput: [UInt8]
    var standardError: [UInt8]
  }

  /// What a program may use and who may end it.
  struct Limits {
    var timeout: Duration
    /// The most that the program may print. Of its errors so much is kept.
    var outputBytes: Int
    var clock: HostClock
    /// Asked several times a second.
    var isCancelled: () -> Bool
  }

  /// Blocks until the program ends, at the latest shortly after the time limit.
  ///
  /// The program gets no input, only its three standard descriptors, the usual limit of open files, default signal
  /// handling and a process group of its own. The result is complete when the program has ended: processes that it
  /// leaves behind may hold its output open.
  ///
  /// - Parameters:
  ///   - words: The program, looked up in `PATH`, and its arguments.
  ///   - environment: `NAME=value` each.
  /// - Throws: `ChildProcessError`. The program, its group and its descendants have been killed then.
  static func run(
    _ words: [String], environment: [String], limits: Limits
  ) throws(ChildProcessError) -> Result {
    let output = try OutputPipe()
    let errors = try OutputPipe()
    let child = try spawn(words, environment: environment, output: output.writing, errors: errors.writing)
    output.closeWriting()
    errors.closeWriting()
    let process = try RunningProcess(child)
    let status: Int32
    do throws(ChildProcessError) { status = try collect(process, output, errors, limits) } catch {
      process.kill()
      throw error
    }
    // The process was waited for: from here on its number may be another's, and nothing kills it.
    // The low seven bits hold the signal, the next byte the exit status (`wait(2)`).
    guard status & 0x7f == 0 else { throw .killed(signal: status & 0x7f) }
    return Result(exitStatus: status >> 8 & 0xff, standardOutput: output.bytes, standardError: errors.bytes)
  }

  /// Reads both pipes until the program has ended and the pipes are empty.
  ///
  /// - Returns: The status of the program's end as `waitpid(2)` gives it.
  private static func collect(
    _ process: RunningProcess, _ output: OutputPipe, _ errors: OutputPipe, _ limits: Limits
  ) throws(ChildProcessError) -> Int32 {
    let end = limits.clock.monotonic + limits.timeout
    var hasEnded = false
    while true {
      // Negative descriptors are skipped (`poll(2)`).
      var polled = [output.reading, errors.reading, hasEnded ? -1 : process.descriptor].map {
        pollfd(fd: $0, events: Int16(POLLIN), revents: 0)
      }
      // A program that has ended writes no more, so what it wrote is in the pipes now.
      poll(&polled, 3, hasEnded ? 0 : 100)
      if limits.isCancelled() { throw .cancelled }
      guard limits.clock.monotonic < end else { throw .timedOut }
      if polled[0].revents != 0 { output.read(keeping: limits.outputBytes + 1) }
      if polled[1].revents != 0 { errors.read(keeping: limits.outputBytes) }
      guard output.bytes.count <= limits.outputBytes else { throw .tooMuchOutput }
      if hasEnded, polled[0].revents == 0, polled[1].revents == 0 { return process.wait() }
      if polled[2].revents != 0 { hasEnded = true }
    }
  }

  private static func spawn(
    _ words: [String], environment: [String], output: Int32, errors: Int32
  ) throws(ChildProcessError) -> pid_t {
    let lists = [paths(of: words[0]), words, environment].map { $0.map { strdup($0) } + [nil] }
    defer { for text in lists.joined() { free(text) } }
    var child = pid_t()
    let code = lists[0].withUnsafeBufferPointer { paths in
      lists[1].withUnsafeBufferPointer { arguments in
        lists[2].withUnsafeBufferPointer { variables in
          var program = certreg_program(
            paths: paths.baseAddress, arguments: arguments.baseAddress, environment: variables.baseAddress,
            output: output, errors: errors, open_files: mostDescriptors)
          return certreg_spawn(&child, &program)
        }
      }
    }
    guard code == 0 else { throw .notStarted(errno: code) }
    return child
  }

  /// Where a program may be: as execvp(3) looks for it.
  private static func paths(of name: String) -> [String] {
    if name.isEmpty || name.contains("/") { return [name] }
    let folders = getenv("PATH").map { String(cString: $0) } ?? "/bin:/usr/bin"
    return folders.split(separator: ":", omittingEmptySubsequences: false).map { $0.isEmpty ? name : "\($0)/\(name)" }
  }
}

/// A pipe that a program writes to, and the bytes read from it.
private final class OutputPipe {
  private(set) var bytes: [UInt8] = []
  /// Negative after the end of the output.
  private(set) var reading: Int32
  private(set) var writing: Int32

  init() throws(ChildProcessError) {
    var ends: [Int32] = [-1, -1]
    guard pipe2(&ends, O_CLOEXEC) == 0 else { throw .notStarted(errno: errno) }
    reading = ends[0]
    writing = ends[1]
  }

  func closeWriting() {
    if writing >= 0 { close(writing) }
    writing = -1
  }

  /// Reads once; `poll(2)` must have reported the pipe as ready.
  ///
  /// - Parameter limit: So many bytes are kept, the first ones.
  func read(keeping limit: Int) {
    var chunk = [UInt8](repeating: 0, count: 4096)
    let count = Glibc.read(reading, &chunk, chunk.count)
    if count > 0 {
      bytes.append(contentsOf: chunk[..<min(count, max(0, limit - bytes.count))])
    } else if count == 0 || errno != EINTR && errno != EAGAIN {
      closeReading()
    }
  }

  private func closeReading() {
    if reading >= 0 { close(reading) }
    reading = -1
  }

  deinit {
    closeReading()
    closeWriting()
  }
}
