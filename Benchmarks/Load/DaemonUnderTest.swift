import Foundation
import Glibc

/// A daemon started for the benchmark, with state of its own.
final class DaemonUnderTest {
  let socketPath: String
  /// Milliseconds from the start of the process to the first answer.
  let startMilliseconds: Double
  private let process = Process()

  /// - Throws: `Load.Failure` where it does not answer within 60 seconds.
  init(program: String, directory: URL, arguments: [String]) throws {
    socketPath = directory.appendingPathComponent("socket").path
    process.executableURL = URL(fileURLWithPath: program)
    process.arguments =
      [
        "--socket", socketPath, "--state-dir", directory.appendingPathComponent("state").path,
      ] + arguments
    process.standardError = FileHandle.nullDevice
    let start = now()
    try process.run()
    var first: CInt = -1
    while first < 0 {
      do { first = try connectTo(socketPath) } catch {
        guard process.isRunning, now() - start < 60_000_000_000 else { throw error }
        usleep(200)
      }
    }
    var byte: UInt8 = 0
    let request = Array("{\"op\":\"lookup\",\"certificateId\":\"\(String(repeating: "0", count: 64))\"}\n".utf8)
    guard write(first, request, request.count) == request.count, read(first, &byte, 1) == 1 else {
      throw Load.Failure("the first request")
    }
    startMilliseconds = Double(now() - start) / 1e6
    close(first)
  }

  func stop() {
    process.terminate()
    process.waitUntilExit()
  }

  /// Processor time of all threads so far, in microseconds.
  var cpuMicroseconds: Double {
    let text = (try? String(contentsOfFile: "/proc/\(process.processIdentifier)/stat", encoding: .utf8)) ?? ""
    // Fields 14 and 15 of proc(5), counted behind the name, which may hold anything.
    let fields = text.split(separator: ")").last?.split(separator: " ") ?? []
    guard fields.count > 12, let user = Double(fields[11]), let system = Double(fields[12]) else { return 0 }
    return (user + system) * 1e6 / Double(sysconf(CInt(_SC_CLK_TCK)))
  }

  /// Resident memory in KiB.
  var residentKiB: Int {
    let text = (try? String(contentsOfFile: "/proc/\(process.processIdentifier)/status", encoding: .utf8)) ?? ""
    let line = text.split(separator: "\n").first { $0.hasPrefix("VmRSS:") }
    return line.flatMap { Int($0.split(separator: " ", omittingEmptySubsequences: true)[1]) } ?? 0
  }
}
