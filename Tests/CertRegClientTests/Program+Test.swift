import CertRegClock
import Foundation

@testable import CertRegClient

extension Program {
  /// Runs a program by its name in `PATH`, or by its path.
  static func run(
    _ arguments: [String], environment: [String: String], timeout: Duration
  ) -> HostProbe.ProgramResult? {
    guard let name = arguments.first else { return nil }
    let search = ProgramSearch.current(environment: ProcessInfo.processInfo.environment)
    guard let path = name.hasPrefix("/") ? name : search.program(name)?.path else { return nil }
    let variables = ["PATH": search.folders.joined(separator: ":")].merging(environment) { $1 }
    return run([path] + arguments.dropFirst(), environment: variables, timeout: timeout, clock: .system)
  }
}
