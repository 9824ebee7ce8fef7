import CSpawn
import CertRegClock
import CertRegCore
import CertRegSigV4
import Foundation
import Glibc
import Testing

@testable import CertRegForwarder

/// Programs that do not end, or leave processes behind.
@Suite(.timeLimit(.minutes(2))) struct ChildProcessTests {
  private func limits(
    _ timeout: Duration = .seconds(600), isCancelled: @escaping () -> Bool = { false }
  ) -> ChildProcess.Limits {
    ChildProcess.Limits(timeout: timeout, outputBytes: 100, clock: .system, isCancelled: isCancelled)
  }

  @Test func `a program that hangs is ended together with its children`() throws {
    #expect(throws: ChildProcessError.timedOut) {
      try ChildProcess.run(
        ["/bin/sh", "-c", "sleep 600 & sleep 600"], environment: [], limits: limits(.milliseconds(200)))
    }
    #expect(throws: ChildProcessError.timedOut, "one that outlives its output") {
      try ChildProcess.run(
        ["/bin/sh", "-c", "echo {}; exec >&- 2>&-; sleep 600"], environment: [], limits: limits(.milliseconds(200)))
    }
    #expect(throws: ChildProcessError.cancelled) {
      try ChildProcess.run(["/bin/sleep", "600"], environment: [], limits: limits { true })
    }
  }

  @Test(arguments: [(1, 1), (3, 3), (100, 7)])
  func `no more descendants are held than the limit says, however many one process has`(limit: Int, held: Int) throws {
    let file = NSTemporaryDirectory() + "/certregd-\(UUID())"
    defer { try? FileManager.default.removeItem(atPath: file) }
    let script = "for i in 1 2 3 4 5 6 7; do sleep 600 & done; echo $$ >\(file)-new; mv \(file)-new \(file); wait"
    var count: Int?
    #expect(throws: ChildProcessError.cancelled) {
      try ChildProcess.run(
        ["/bin/sh", "-c", script], environment: ["PATH=/usr/bin:/bin"],
        limits: limits {
          guard let text = try? HostFiles.system.text(file), let shell = pid_t(text) else { return false }
          let descriptors = RunningProcess.descendants(of: shell, atMost: limit)
          for descriptor in descriptors { close(descriptor) }
          count = descriptors.count
          return true
        })
    }
    #expect(count == held)
  }

  /// The test's own soft limit is as high as it goes meanwhile, as the daemon's is.
  @Test func `a program has the usual limit of open files from its first instruction, and may raise it`() throws {
    var before = rlimit()
    try #require(getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &before) == 0)
    var raised = rlimit(rlim_cur: before.rlim_max, rlim_max: before.rlim_max)
    try #require(setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &raised) == 0)
    defer { setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &before) }
    let result = try ChildProcess.run(
      ["/bin/sh", "-c", "ulimit -Sn; ulimit -Hn"], environment: [], limits: limits())
    let hard = before.rlim_max == .max ? "unlimited" : "\(before.rlim_max)"
    #expect(String(decoding: result.standardOutput, as: UTF8.self) == "\(min(1024, before.rlim_max))\n\(hard)\n")
  }

  @Test func `a program has its arguments, its variables and nothing else of the daemon`() throws {
    signal(SIGUSR1, SIG_IGN)
    defer { signal(SIGUSR1, SIG_DFL) }
    let open = Glibc.open("/dev/null", O_RDONLY)
    defer { close(open) }
    let script =
      #"echo "$1" "$2" "$A"; cat; ls /proc/self/fd | tr '\n' ' '; grep -E 'Sig(Blk|Ign)' /proc/self/status | tr -d ' \n\t'"#
    let result = try ChildProcess.run(
      ["sh", "-c", script, "sh", "a b", ""], environment: ["A=1", "PATH=/usr/bin:/bin"], limits: limits())
    let text = String(decoding: result.standardOutput, as: UTF8.self)
    // The fourth descriptor is the folder that ls(1) reads.
    #expect(text.hasPrefix("a b  1\n0 1 2 3 SigBlk:0000000000000000SigIgn:"), "\(text)")
    // Signal 32 is glibc's own, and ignored in what starts the tests.
    let ignored = try #require(UInt64(text.split(separator: ":").last ?? "", radix: 16))
    #expect(ignored & ~(1 << 31) == 0, "\(text)")
    #expect(result.exitStatus == 0)
  }

  @Test(arguments: [
    ("/does/not/exist", ENOENT), ("does-not-exist", ENOENT), ("", ENOENT), ("/etc/passwd", EACCES), ("/tmp", EACCES),
  ])
  func `a program that cannot be started is told apart from one that fails`(name: String, code: Int32) {
    #expect(throws: ChildProcessError.notStarted(errno: code)) {
      try ChildProcess.run([name], environment: [], limits: limits())
    }
  }

  @Test func `a program that joins another process group is ended`() throws {
    let script =
      "use POSIX; setpgid(0, getpgrp(getppid())) or die; my $f = shift; open(F, '>', \"$f.new\"); print F $$; close F; "
      + "rename(\"$f.new\", $f); sleep 600"
    try withTemporaryFile { path in
      try expectEnd(["/usr/bin/perl", "-e", script, path], path)
    }
  }

  @Test func `a child in a session of its own is ended with the program`() throws {
    try withTemporaryFile { path in
      let script = "setsid sleep 600 & echo $! > \(path).new; mv \(path).new \(path); wait"
      try expectEnd(["/bin/sh", "-c", script], path)
    }
  }

  /// Cancels a program once it has written the number of a process to the file at `path`, and waits for the end of that
  /// process.
  private func expectEnd(_ words: [String], _ path: String) throws {
    var process = Int32(-1)
    #expect(throws: ChildProcessError.cancelled) {
      try ChildProcess.run(
        words, environment: ["PATH=/usr/bin:/bin"],
        limits: limits {
          guard let text = try? HostFiles.system.text(path), let number = pid_t(text) else { return false }
          process = pidfd_open(number, 0)
          return true
        })
    }
    #expect(process >= 0)
    var polled = [pollfd(fd: process, events: Int16(POLLIN), revents: 0)]
    let hasEnded = poll(&polled, 1, 20_000) == 1
    #expect(hasEnded, "the process still runs")
    if !hasEnded { _ = pidfd_send_signal(process, SIGKILL, nil, 0) }
    close(process)
  }

  @Test func `a result does not wait for a process that keeps the output open`() throws {
    let script = "setsid sleep 600 & echo $!"
    let result = try ChildProcess.run(
      ["/bin/sh", "-c", script], environment: ["PATH=/usr/bin:/bin"], limits: limits())
    let text = String(decoding: result.standardOutput, as: UTF8.self).trimmingCharacters(in: .whitespacesAndNewlines)
    let number = try #require(pid_t(text))
    #expect(result.exitStatus == 0)
    kill(number, SIGKILL)
  }

  /// More programs hang than any shared pool has threads.
  @Test func `programs that hang hold up no other`() async throws {
    let environment = ProcessEnvironment(["PATH": "/usr/bin:/bin"])
    func process(_ command: String) -> CredentialProcess {
      CredentialProcess(command: command, environment: environment, origin: "the test", clock: .system)
    }
    let hanging = (0..<32).map { _ in Task { try? await process("sleep 600").fetch() } }
    let keys = #"{"Version":1,"AccessKeyId":"P","SecretAccessKey":"p"}"#
    let provided = try await process("echo '\(keys)'").fetch()
    #expect(provided?.signing.accessKeyID == "P")
    for task in hanging { task.cancel() }
    for task in hanging { #expect(await task.value == nil) }
  }

  private func withTemporaryFile(_ body: (String) throws -> Void) throws {
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent("certregd-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    try body(folder.appendingPathComponent("mark").path)
  }
}
