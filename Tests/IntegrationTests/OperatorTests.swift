import Foundation
import Glibc
import Testing

/// The daemon from an operator's view, and its failures.
@Suite struct OperatorTests {
  private func error(_ answer: [String: Any]) -> [String: Any] {
    answer["error"] as? [String: Any] ?? [:]
  }

  private func reasons(_ status: [String: Any]) -> [String] {
    (status["problems"] as? [[String: Any]] ?? []).compactMap { $0["reason"] as? String }
  }

  private func metrics(_ connection: LineConnection) throws -> String {
    try #require(try connection.ask(["op": "metrics"])["body"] as? String)
  }

  // MARK: The audit trail

  @Test func `the caller is in the log and, after a restart, in lookup; repeats are only counted`() throws {
    let pem = try TestCertificates.issue(1)[0]
    let daemon = try DaemonProcess()
    let connection = try LineConnection(daemon.socketPath)
    let id = try #require(try connection.ask(["certificatePem": pem])["certificateId"] as? String)
    for _ in 0..<3 { #expect(try connection.ask(["certificatePem": pem])["cached"] as? Bool == true) }
    let reason = error(try connection.ask(["certificatePem": pem, "ifExists": "error"]))["reason"] as? String
    #expect(reason == "already_registered")
    #expect(try metrics(connection).contains(#"certregd_requests_total{op="register",outcome="cached",reason=""} 3"#))
    #expect(daemon.stop() == 0)
    let entries = daemon.logText.split(separator: "\n").filter { $0.contains("certificate_id=\(id)") }
    #expect(entries.count == 2)
    let wanted = "peer_pid=\(getpid()) peer_uid=\(getuid()) target=default"
    // In either order: two threads log the entries.
    let registered = entries.first { $0.contains("event=registered outcome=created \(wanted)") }
    #expect(registered?.contains("aws_request_id=") == true)
    let refused = entries.first { $0.contains("event=registration_refused") }
    #expect(refused?.contains("peer_pid=\(getpid()) peer_uid=\(getuid()) reason=already_registered") == true)

    try daemon.start()
    let known = try LineConnection(daemon.socketPath).ask(["op": "lookup", "certificateId": id])
    let requester = try #require(known["requestedBy"] as? [String: Any])
    #expect(requester["uid"] as? UInt32 == getuid() && requester["pid"] as? Int32 == getpid())
    #expect(known["requestId"] as? String != nil)
  }

  @Test func `repeats have an entry each if the configuration says so, from the reload on`() throws {
    let pem = try TestCertificates.issue(1)[0]
    let daemon = try DaemonProcess(configuration: "log:\n  auditRepeats: false\n")
    let connection = try LineConnection(daemon.socketPath)
    let id = try #require(try connection.ask(["certificatePem": pem])["certificateId"] as? String)
    #expect(try connection.ask(["certificatePem": pem])["cached"] as? Bool == true)
    try daemon.write(configuration: "log:\n  auditRepeats: true\n")
    try daemon.reload()
    for _ in 0..<3 { #expect(try connection.ask(["certificatePem": pem])["cached"] as? Bool == true) }
    #expect(daemon.stop() == 0)
    let entries = daemon.logText.split(separator: "\n").filter { $0.contains("event=registration_repeated") }
    #expect(entries.count == 3)
    #expect(entries.allSatisfy { $0.contains("certificate_id=\(id)") && $0.contains("peer_pid=\(getpid())") })
  }

  @Test func `a request that is refused is on record with the certificate's ID`() throws {
    let pem = try TestCertificates.issue(1)[0]
    let daemon = try DaemonProcess(configuration: "access:\n  - user: \(getuid())\n    operations: [validate]\n")
    let connection = try LineConnection(daemon.socketPath)
    let id = try #require(try connection.ask(["op": "validate", "certificatePem": pem])["certificateId"] as? String)
    #expect(error(try connection.ask(["certificatePem": pem]))["reason"] as? String == "peer_not_allowed")
    #expect(error(try connection.ask(["op": "status"]))["reason"] as? String == "peer_not_allowed")
    #expect(daemon.stop() == 0)
    let entries = daemon.logText.split(separator: "\n").filter { $0.contains("event=peer_refused") }
    #expect(entries.count == 2)
    #expect(entries.contains { $0.contains("certificate_id=\(id)") && $0.contains("operation=register") })
    #expect(entries.contains { $0.contains("operation=status") })
    #expect(entries.allSatisfy { $0.contains("peer_uid=\(getuid())") })
  }

  // MARK: Reloads

  @Test func `a signal to stop ends a reload with thousands of targets`() throws {
    let daemon = try DaemonProcess(configuration: "targets: {default: {region: eu-west-1}}\n")
    let targets = (0..<12_000).map { "  target-\($0): {region: eu-west-1}\n" }.joined()
    try daemon.write(configuration: "defaultTarget: target-0\ntargets:\n\(targets)")
    daemon.send(SIGHUP)
    #expect(daemon.stop() == 0)
    #expect(!daemon.logText.contains("event=reloaded") && daemon.logText.contains("event=stopped"))
    #expect(!daemon.logText.contains("event=reload_refused"))
  }

  // MARK: Starts under difficulties

  @Test func `starts without credentials, queues, and reports it`() throws {
    let pem = try TestCertificates.issue(1)[0]
    let daemon = try DaemonProcess(
      ["--region", "eu-central-1", "--endpoint-url", "http://127.0.0.1:1"],
      environment: ["AWS_EC2_METADATA_DISABLED": "true", "HOME": "/nonexistent"])
    try daemon.awaitStatus(containing: "default is unauthorized: no_credentials")
    let connection = try LineConnection(daemon.socketPath)
    let status = try connection.ask(["op": "status"])
    #expect(reasons(status) == ["no_credentials"])
    let target = (status["targets"] as? [[String: Any]])?.first
    #expect(target?["health"] as? String == "unauthorized")
    #expect(try connection.ask(["certificatePem": pem, "wait": false])["outcome"] as? String == "queued")
    let found = try connection.ask(["op": "lookup", "certificatePem": pem])
    #expect(found["state"] as? String == "queued")
    let id = try #require(found["certificateId"] as? String)
    let forgotten = try connection.ask(["op": "forget", "certificateId": id])["error"] as? [String: Any]
    #expect(forgotten?["reason"] as? String == "not_found")
    #expect((forgotten?["message"] as? String)?.contains("what is queued is not forgotten") == true)
    #expect(daemon.stop() == 0)
  }

  @Test func `starts while the upstream is down, queues, and reports it`() throws {
    let pem = try TestCertificates.issue(1)[0]
    let daemon = try DaemonProcess(
      ["--region", "eu-central-1", "--endpoint-url", "http://127.0.0.1:1"],
      environment: ["AWS_ACCESS_KEY_ID": "AKIDEXAMPLE", "AWS_SECRET_ACCESS_KEY": "secret"])
    let connection = try LineConnection(daemon.socketPath)
    #expect(reasons(try connection.ask(["op": "status"])) == [])
    #expect(try connection.ask(["certificatePem": pem, "wait": false])["outcome"] as? String == "queued")
    try daemon.awaitStatus(containing: "1 queued; default is unavailable: connection_refused")
    #expect(reasons(try connection.ask(["op": "status"])) == ["connection_refused"])
    let text = try metrics(connection)
    #expect(text.contains(#"certregd_upstream_state{target="default",state="unavailable"} 1"#))
    #expect(text.contains("\ncertregd_queue_entries 1\n"))
    #expect(daemon.stop() == 0)
    // Known results are still answered.
    try daemon.start()
    let again = try LineConnection(daemon.socketPath)
    #expect(try again.ask(["op": "lookup", "certificatePem": pem])["state"] as? String == "queued")
  }

  /// The library of libfaketime(1). Its program `faketime` would run between this test and the daemon.
  private static let clockLibrary = ["x86_64", "aarch64"].map { "/usr/lib/\($0)-linux-gnu/faketime/libfaketime.so.1" }
    .first { FileManager.default.fileExists(atPath: $0) }

  @Test(.enabled(if: clockLibrary != nil))
  func `a clock that is not set refuses no certificate as not yet valid`() throws {
    let pem = try TestCertificates.issue(1)[0]
    let library = try #require(Self.clockLibrary)
    let daemon = try DaemonProcess(environment: [
      "LD_PRELOAD": library, "FAKETIME": "@1970-01-02 00:00:00",
    ])
    try daemon.awaitStatus(containing: "the clock is not set: it reads 1970-01-0")
    let connection = try LineConnection(daemon.socketPath)
    #expect(try connection.ask(["certificatePem": pem])["outcome"] as? String == "created")
    #expect(try connection.ask(["certificatePem": pem])["cached"] as? Bool == true)
    #expect(reasons(try connection.ask(["op": "status"])) == ["clock_not_set"])
    // Waits with a time limit do not end under the library, so the daemon would not end either.
    #expect(daemon.stop(SIGKILL) == -SIGKILL)
  }

  // MARK: Reload and exit

  @Test func `a refused reload stays in the status until a good one`() throws {
    let daemon = try DaemonProcess(configuration: "defaultStatus: ACTIVE\n")
    try daemon.awaitStatus(containing: "serving 1 target: 0 requests/s, 0 calls/s, 0 queued")
    try daemon.write(configuration: "targetz:\n  x: 1\n")
    try daemon.reload()
    try daemon.awaitStatus(containing: "0 queued; the old configuration stays: \(daemon.configurationPath):1: targetz")
    let connection = try LineConnection(daemon.socketPath)
    #expect(reasons(try connection.ask(["op": "status"])) == ["reload_refused"])
    #expect(try metrics(connection).contains("\ncertregd_reload_refused 1\n"))
    try daemon.write(configuration: "defaultStatus: INACTIVE\n")
    try daemon.reload()
    #expect(reasons(try connection.ask(["op": "status"])) == [])
  }

  @Test func `exits with a status of sysexits(3) and the reason on standard error`() throws {
    let folder = FileManager.default.temporaryDirectory.appending(path: "exits-\(UUID().uuidString.prefix(8))").path
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(atPath: folder) }
    try "targetz: 1\n".write(toFile: "\(folder)/wrong.yaml", atomically: true, encoding: .utf8)
    try "socket:\n  group: no-such-group\n".write(toFile: "\(folder)/group.yaml", atomically: true, encoding: .utf8)
    try Data("x".utf8).write(to: URL(filePath: "\(folder)/file"))
    let plain = ["--sandbox", "--state-dir", "\(folder)/state"]
    let foreign = try ForeignSocket(path: "\(folder)/foreign")
    let port = try TakenPort()
    var number = 0
    func metrics(_ listen: String) throws -> [String] {
      number += 1
      let file = "\(folder)/metrics-\(number).yaml"
      try "metrics: {listen: \"\(listen)\"}\n".write(toFile: file, atomically: true, encoding: .utf8)
      return plain + ["--socket", "\(folder)/s", "--config", file]
    }
    let cases: [(status: Int32, says: String, arguments: [String])] = [
      (64, "Unknown option", ["--no-such-flag"]),
      (78, "targetz", ["--config", "\(folder)/wrong.yaml"]),
      (78, "no-such-group", plain + ["--config", "\(folder)/group.yaml", "--socket", "\(folder)/s"]),
      (78, "107", plain + ["--socket", "\(folder)/" + String(repeating: "x", count: 108)]),
      (73, "regular file", plain + ["--socket", "\(folder)/file"]),
      (75, "another process listens", plain + ["--socket", foreign.path]),
      (75, "metrics.listen: \(foreign.path): another process listens", try metrics(foreign.path)),
      (75, "metrics.listen: \(port.address): bind: Address already in use", try metrics(port.address)),
      (73, "metrics.listen: \(folder)/file: there is a regular file", try metrics("\(folder)/file")),
    ]
    for (status, says, arguments) in cases {
      let errors = "\(folder)/errors"
      #expect(FileManager.default.createFile(atPath: errors, contents: nil))
      let found = try DaemonProcess.exitStatus(
        arguments, errors: try #require(FileHandle(forWritingAtPath: errors)))
      let text = try String(contentsOfFile: errors, encoding: .utf8)
      #expect(found == status, "\(arguments): \(text)")
      #expect(text.contains(says), "\(arguments): \(text)")
    }
  }

  // MARK: Metrics

  @Test func `promtool finds nothing to say about the metrics`() throws {
    guard let promtool = Self.promtool else { return }
    let pems = try TestCertificates.issue(3)
    let daemon = try DaemonProcess()
    let connection = try LineConnection(daemon.socketPath)
    for pem in pems { #expect(try connection.ask(["certificatePem": pem])["outcome"] as? String == "created") }
    _ = try connection.ask(["certificatePem": "x"])
    _ = try connection.ask(["op": "lookup", "certificateId": String(repeating: "0", count: 64)])
    let text = try metrics(connection)
    #expect(text.contains(#"certregd_requests_total{op="lookup",outcome="error",reason="not_found"} 1"#))
    #expect(text.contains("certregd_registration_duration_seconds_count{outcome=\"created\"} 3\n"))
    #expect(text.contains("certregd_upstream_call_duration_seconds_count{target=\"default\"} 3\n"))
    let process = Process()
    process.executableURL = URL(filePath: promtool)
    process.arguments = ["check", "metrics"]
    let (input, output) = (Pipe(), Pipe())
    (process.standardInput, process.standardOutput, process.standardError) = (input, output, output)
    try process.run()
    try input.fileHandleForWriting.write(contentsOf: Data(text.utf8))
    try input.fileHandleForWriting.close()
    let said = String(decoding: try output.fileHandleForReading.readToEnd() ?? Data(), as: UTF8.self)
    process.waitUntilExit()
    #expect(process.terminationStatus == 0 && said == "")
  }

  /// The installed promtool, or the one that `scripts/promtool` fetched.
  private static var promtool: String? {
    let fetched = DaemonProcess.programs.deletingLastPathComponent().deletingLastPathComponent()
      .appending(path: "tools/promtool").path
    return ["/usr/bin/promtool", fetched].first { FileManager.default.isExecutableFile(atPath: $0) }
  }

  // MARK: Users

  @Test(.enabled(if: getuid() == 0 && FileManager.default.isExecutableFile(atPath: "/usr/bin/setpriv")))
  func `the socket's mode and the rules of access hold for real users and groups`() throws {
    let rules = """
      socket:
        group: 61001
        mode: "0660"
      access:
        - user: 61000
        - group: 61002
          operations: [status]
        - user: 61003
          requestsPerSecond: 1
          operations: [status]
      """
    let daemon = try DaemonProcess(configuration: rules)
    // Users outside the socket's group cannot connect. Members can, and the first matching rule counts.
    #expect(try ask(daemon, "status", user: 61_009, groups: [61_009]) == nil)
    #expect(try ask(daemon, "status", user: 61_000, groups: [61_001])?["state"] as? String == "running")
    let refused = try #require(try ask(daemon, "metrics", user: 61_004, groups: [61_002, 61_001]))
    #expect(error(refused)["reason"] as? String == "peer_not_allowed")
    // By a supplementary group, and by the effective one.
    #expect(try ask(daemon, "status", user: 61_004, groups: [61_001, 61_002])?["state"] as? String == "running")
    #expect(try ask(daemon, "status", user: 61_004, groups: [61_002, 61_001])?["state"] as? String == "running")
    #expect(error(try #require(try ask(daemon, "status", user: 61_005, groups: [61_001])))["httpStatus"] as? Int == 401)
    #expect(try ask(daemon, "status", user: 61_003, groups: [61_001])?["state"] as? String == "running")
    #expect(daemon.stop() == 0)
    #expect(daemon.logText.contains("peer_uid=61004") && daemon.logText.contains("peer_uid=61005"))
  }

  /// The answer that a user gets; `nil` if the user cannot connect. The first of `groups` is the effective one.
  private func ask(
    _ daemon: DaemonProcess, _ operation: String, user: Int, groups: [Int]
  ) throws -> [String: Any]? {
    let script = """
      import socket, sys
      s = socket.socket(socket.AF_UNIX)
      try: s.connect(sys.argv[1])
      except PermissionError: sys.exit(7)
      s.sendall(b'{"op":"%s"}\\n' % sys.argv[2].encode())
      print(s.makefile().readline())
      """
    let process = Process()
    process.executableURL = URL(filePath: "/usr/bin/setpriv")
    process.arguments = [
      "--reuid=\(user)", "--regid=\(groups[0])",
      groups.count > 1 ? "--groups=\(groups.dropFirst().map { "\($0)" }.joined(separator: ","))" : "--clear-groups",
      "python3", "-c", script, daemon.socketPath, operation,
    ]
    let output = Pipe()
    process.standardOutput = output
    process.environment = DaemonProcess.environment()
    try process.run()
    let answer = try output.fileHandleForReading.readToEnd() ?? Data()
    process.waitUntilExit()
    if process.terminationStatus == 7 { return nil }
    return try JSONSerialization.jsonObject(with: answer) as? [String: Any]
  }
}

/// A socket of another listener.
private final class ForeignSocket {
  let path: String
  private let descriptor: Int32

  init(path: String) throws {
    self.path = path
    descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
    guard withAddress(path, { bind(descriptor, $0, $1) }) == 0, listen(descriptor, 1) == 0 else {
      throw TestFailure(description: "bind \(path): \(errno)")
    }
  }

  deinit {
    close(descriptor)
  }
}

/// A TCP port of the loopback address on which another process listens.
private final class TakenPort {
  let address: String
  private let descriptor: Int32

  init() throws {
    let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
    self.descriptor = descriptor
    var name = sockaddr_in()
    name.sin_family = sa_family_t(AF_INET)
    name.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
    var size = socklen_t(MemoryLayout<sockaddr_in>.size)
    let isListening = withUnsafeMutablePointer(to: &name) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        bind(descriptor, $0, size) == 0 && listen(descriptor, 1) == 0 && getsockname(descriptor, $0, &size) == 0
      }
    }
    address = "127.0.0.1:\(UInt16(bigEndian: name.sin_port))"
    guard isListening else { throw TestFailure(description: "listen: \(errno)") }
  }

  deinit {
    close(descriptor)
  }
}
