import Foundation
import Glibc

/// A fault of the test's environment.
struct TestFailure: Error, CustomStringConvertible {
  var description: String
}

/// The built daemon as a process, with socket, state and configuration in its own folder.
final class DaemonProcess {
  let folder: URL
  private var process: Process?
  private var arguments: [String]
  private let environment: [String: String]
  private var notify: NotifySocket?

  var socketPath: String { folder.appending(path: "certregd.sock").path }
  var configurationPath: String { folder.appending(path: "config.yaml").path }
  var logText: String { (try? String(contentsOf: folder.appending(path: "log"), encoding: .utf8)) ?? "" }

  /// The programs are built next to the test bundle.
  static let programs = URL(filePath: CommandLine.arguments[0]).resolvingSymlinksInPath().deletingLastPathComponent()

  init(
    _ arguments: [String] = ["--sandbox"], configuration: String? = nil, environment: [String: String] = [:]
  ) throws {
    self.environment = environment
    folder = FileManager.default.temporaryDirectory.appending(path: "certregd-\(UUID().uuidString.prefix(8))")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    self.arguments = arguments
    if let configuration {
      try write(configuration: configuration)
      self.arguments += ["--config", configurationPath]
    }
    try start()
  }

  deinit {
    if let process, process.isRunning { kill(process.processIdentifier, SIGKILL) }
    process?.waitUntilExit()
    try? FileManager.default.removeItem(at: folder)
  }

  func write(configuration: String) throws {
    try configuration.write(toFile: configurationPath, atomically: true, encoding: .utf8)
  }

  /// The environment of a program under test: these variables, a search path, and the options of the sanitizers.
  static func environment(_ variables: [String: String] = [:]) -> [String: String] {
    ProcessInfo.processInfo.environment.filter { $0.key.hasSuffix("SAN_OPTIONS") }
      .merging(["PATH": "/usr/bin:/bin"]) { $1 }.merging(variables) { $1 }
  }

  /// Starts the daemon, and returns once the service manager's socket, which is this test's, gets READY=1.
  func start() throws {
    let notify = try NotifySocket(path: folder.appending(path: "notify").path)
    self.notify = notify
    let process = Process()
    process.executableURL = Self.programs.appending(path: "certregd")
    process.arguments = arguments + ["--socket", socketPath, "--state-dir", folder.appending(path: "state").path]
    process.environment = Self.environment(["NOTIFY_SOCKET": notify.path].merging(environment) { $1 })
    let log = folder.appending(path: "log")
    try Data().write(to: log)
    process.standardError = try FileHandle(forWritingTo: log)
    process.standardInput = FileHandle.nullDevice
    try process.run()
    self.process = process
    guard notify.wait(for: { $0 == "READY=1" }, while: { process.isRunning }) else {
      throw TestFailure(description: "the daemon did not become ready: \(logText)")
    }
  }

  /// Waits for a line that `systemctl status` would show and that holds `text`.
  func awaitStatus(containing text: String) throws {
    guard let process, let notify,
      notify.wait(for: { $0.hasPrefix("STATUS=") && $0.contains(text) }, while: { process.isRunning })
    else { throw TestFailure(description: "no status with \(text): \(logText)") }
  }

  /// Sends a signal and returns the exit status, or the number of the signal that ended the process, negated.
  @discardableResult
  func stop(_ signal: Int32 = SIGTERM) -> Int32 {
    guard let process else { return 0 }
    kill(process.processIdentifier, signal)
    process.waitUntilExit()
    self.process = nil
    return process.terminationReason == .exit ? process.terminationStatus : -process.terminationStatus
  }

  func send(_ signal: Int32) {
    if let process { kill(process.processIdentifier, signal) }
  }

  /// Sends SIGHUP and returns once the daemon reports the end of the reload.
  func reload() throws {
    guard let process else { return }
    let notify = try NotifySocket(path: folder.appending(path: "notify").path)
    self.notify = notify
    kill(process.processIdentifier, SIGHUP)
    guard notify.wait(for: { $0 == "READY=1" }, while: { process.isRunning }) else {
      throw TestFailure(description: "the daemon did not reload: \(logText)")
    }
  }

  /// Runs the daemon with other arguments until it exits by itself, and returns its status.
  static func exitStatus(_ arguments: [String], errors: FileHandle = .nullDevice) throws -> Int32 {
    let process = Process()
    process.executableURL = programs.appending(path: "certregd")
    process.arguments = arguments
    process.environment = environment()
    process.standardError = errors
    process.standardOutput = FileHandle.nullDevice
    try process.run()
    process.waitUntilExit()
    return process.terminationStatus
  }
}

/// A running certreg-sandbox.
final class SandboxProcess {
  let url: String
  private let process = Process()

  init(_ arguments: [String] = []) throws {
    let output = Pipe()
    process.executableURL = DaemonProcess.programs.appending(path: "certreg-sandbox")
    process.arguments = (arguments.contains("--port") ? [] : ["--port", "0"]) + arguments
    process.standardOutput = output
    process.standardError = FileHandle.nullDevice
    try process.run()
    let line = String(decoding: output.fileHandleForReading.availableData, as: UTF8.self)
    guard line.hasPrefix("listening on ") else { throw TestFailure(description: "the sandbox did not start: \(line)") }
    url = line.dropFirst("listening on ".count).trimmingCharacters(in: .newlines)
  }

  deinit {
    stop()
  }

  /// Ends the sandbox, and its port is free.
  func stop() {
    process.terminate()
    process.waitUntilExit()
  }
}

/// The datagram socket of a service manager (sd_notify(3)).
private final class NotifySocket {
  let path: String
  private let descriptor: Int32

  init(path: String) throws {
    self.path = path
    unlink(path)
    descriptor = socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
    guard withAddress(path, { bind(descriptor, $0, $1) }) == 0 else {
      throw TestFailure(description: "bind \(path): \(errno)")
    }
  }

  deinit {
    close(descriptor)
  }

  /// Waits for a message with such a line. Checks from time to time whether it can still come.
  func wait(for isWanted: (Substring) -> Bool, while condition: () -> Bool) -> Bool {
    var buffer = [UInt8](repeating: 0, count: 4096)
    while true {
      var entry = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
      if poll(&entry, 1, 200) > 0 {
        let count = recv(descriptor, &buffer, buffer.count, 0)
        let lines = String(decoding: buffer.prefix(max(0, count)), as: UTF8.self).split(separator: "\n")
        if lines.contains(where: isWanted) { return true }
      } else if !condition() {
        return false
      }
    }
  }
}

/// A connection that writes and reads raw lines.
final class LineConnection {
  private let descriptor: Int32
  private var received: [UInt8] = []

  init(_ path: String) throws {
    descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
    // A daemon that does not answer fails the test instead of blocking it forever.
    var limit = timeval(tv_sec: 30, tv_usec: 0)
    setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
    guard withAddress(path, { connect(descriptor, $0, $1) }) == 0 else {
      throw TestFailure(description: "connect \(path): \(errno)")
    }
  }

  deinit {
    close(descriptor)
  }

  func send(_ text: String) throws {
    var bytes = ArraySlice(text.utf8)
    while !bytes.isEmpty {
      let written = bytes.withUnsafeBytes {
        Glibc.send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
      }
      guard written > 0 else { throw TestFailure(description: "send: \(errno)") }
      bytes = bytes.dropFirst(written)
    }
  }

  func endInput() {
    shutdown(descriptor, Int32(SHUT_WR))
  }

  /// The next line without its LF; `nil` at the end.
  func line() throws -> String? {
    while true {
      if let end = received.firstIndex(of: 0x0a) {
        defer { received.removeFirst(end + 1) }
        return String(decoding: received[..<end], as: UTF8.self)
      }
      var buffer = [UInt8](repeating: 0, count: 65_536)
      let count = recv(descriptor, &buffer, buffer.count, 0)
      guard count >= 0 else { throw TestFailure(description: "no answer: \(errno)") }
      if count == 0 { return nil }
      received += buffer.prefix(count)
    }
  }

  /// Sends an object and returns the next answer.
  func ask(_ request: [String: Any]) throws -> [String: Any] {
    try send(String(decoding: JSONSerialization.data(withJSONObject: request), as: UTF8.self) + "\n")
    return try answer()
  }

  func answer() throws -> [String: Any] {
    guard let line = try line() else { throw TestFailure(description: "the connection was closed") }
    guard let object = try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any] else {
      throw TestFailure(description: "no object: \(line)")
    }
    return object
  }
}

func withAddress(_ path: String, _ body: (UnsafePointer<sockaddr>, socklen_t) -> Int32) -> Int32 {
  var address = sockaddr_un()
  address.sun_family = sa_family_t(AF_UNIX)
  withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8.prefix($0.count - 1)) }
  // The system calls expect a sockaddr_un behind the pointer to a sockaddr.
  return withUnsafePointer(to: &address) { pointer in
    pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
      body($0, socklen_t(MemoryLayout<sockaddr_un>.size))
    }
  }
}

/// Certificates made by the openssl program, with one key.
enum TestCertificates {
  static func issue(_ count: Int) throws -> [String] {
    let script = """
      openssl ecparam -name prime256v1 -genkey -noout -out key.pem
      for n in $(seq \(count)); do
        openssl req -x509 -new -key key.pem -days 30 -subj "/CN=device-$n" -out $n.pem
      done
      """
    return try files((1...count).map { "\($0).pem" }, madeBy: script)
  }

  /// The texts of the files that a shell script writes in a temporary folder.
  static func files(_ names: [String], madeBy script: String) throws -> [String] {
    let folder = FileManager.default.temporaryDirectory.appending(path: "certificates-\(UUID().uuidString.prefix(8))")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    let process = Process()
    process.executableURL = URL(filePath: "/bin/sh")
    process.arguments = ["-ec", script]
    process.currentDirectoryURL = folder
    process.standardError = FileHandle.nullDevice
    try process.run()
    process.waitUntilExit()
    guard process.terminationStatus == 0 else { throw TestFailure(description: "the script failed: \(script)") }
    return try names.map { try String(contentsOf: folder.appending(path: $0), encoding: .utf8) }
  }
}
