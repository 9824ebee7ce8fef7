import CertRegClock
import CertRegCodec
import CertRegCore
import CertRegFleet
import CertRegForwarder
import CertRegHost
import CertRegProtocol
package import CertRegSettings
import Glibc
import Logging
import NIOCore
import NIOPosix

extension Daemon {
  /// Looks for what a start would end with beside the mistakes of the configuration itself, for
  /// `certregd --check-config`. No call is made.
  ///
  /// - Returns: Errors, and what only this environment may lack.
  package static func checkStart(
    _ settings: Settings, environment: [String: String]
  ) async -> (errors: [String], warnings: [String]) {
    var (errors, warnings): ([String], [String]) = ([], [])
    do throws(HostError) { try ListeningSocket.check(settings.socket.groupOfFile) } catch {
      errors.append(error.message)
    }
    if let fault = settings.fleet.url.flatMap(FleetDatabase.fault) {
      warnings.append("fleet.url: \(fault): certregd would work alone")
    }
    // No errors: systemd may bring them when the service starts.
    let missing = { (key: String, path: String) in
      warnings +=
        access(path, R_OK) == 0 ? [] : ["\(key): \(LogText.escaped(path)): \(String(cString: strerror(errno)))"]
    }
    if let file = settings.fleet.passwordFile { missing("fleet.passwordFile", file) }
    guard !settings.sandbox else { return (errors, warnings) }
    for target in settings.targets {
      for file in target.credentials.files { missing("targets.\(target.name).credentials", file) }
    }
    let context = context(environment)
    for target in settings.targets {
      do throws(UpstreamConfigurationError) {
        if let remark = try await context.remark(on: target) { warnings.append(remark) }
      } catch {
        errors.append(error.description)
      }
    }
    return (errors, warnings)
  }

  private static func context(_ environment: [String: String]) -> CredentialsContext {
    // Never shut down: a look-up of a name cannot be cancelled, and NIO complains when one ends after its loop.
    CredentialsContext(
      environment: ProcessEnvironment(environment), hostName: ProcessLimits.hostName, clock: .system,
      eventLoopGroup: MultiThreadedEventLoopGroup.singleton,
      logger: Logger(label: "certregd", factory: { _ in SwiftLogNoOpLogHandler() }))
  }

  /// Checks the upstream of each target, for `certregd --check-upstream`.
  ///
  /// - Returns: A line of JSON for each target, in the order of the configuration, and the exit status of sysexits(3).
  package static func checkUpstream(
    _ settings: Settings, environment: [String: String]
  ) async -> (lines: [String], status: Int32) {
    let context = context(environment)
    let checks = await withTaskGroup(of: (Int, TargetCheck).self) { tasks in
      for (index, target) in settings.targets.enumerated() {
        tasks.addTask { (index, await TargetCheck(target, isSandbox: settings.sandbox, context: context)) }
      }
      return await tasks.reduce(into: [(Int, TargetCheck)]()) { $0.append($1) }
    }.sorted { $0.0 < $1.0 }.map(\.1)
    return (checks.map(\.line), checks.allSatisfy(\.isWell) ? EX_OK : EX_UNAVAILABLE)
  }
}

/// What a check of one target came to.
private struct TargetCheck: Sendable {
  private let name: TargetName
  /// `nil`: a sandbox.
  private let outcome: Result<UpstreamCheck, UpstreamConfigurationError>?

  init(_ target: TargetConfiguration, isSandbox: Bool, context: CredentialsContext) async {
    name = target.name
    if isSandbox {
      outcome = nil
    } else {
      do throws(UpstreamConfigurationError) { outcome = .success(try await context.check(target)) } catch {
        outcome = .failure(error)
      }
    }
  }

  var isWell: Bool {
    switch outcome {
    case nil: true
    case .success(let check): check.unreachable == nil && check.refused == nil
    case .failure: false
    }
  }

  var line: String {
    var writer = JSONWriter()
    writer.beginObject()
    writer.member("target", name.rawValue)
    switch outcome {
    case nil: writer.member("sandbox", true)
    case .failure(let error): writer.member("problem", error.description)
    case .success(let check): write(check, to: &writer)
    }
    writer.endObject()
    return String(decoding: writer.line(), as: UTF8.self)
  }

  private func write(_ check: UpstreamCheck, to writer: inout JSONWriter) {
    writer.member("endpoint", check.endpoint)
    writer.member("region", check.region)
    if let error = check.unreachable { writer.errorMember(error, name: "unreachable") }
    if let difference = check.clockDifference { writer.member("clockAheadMs", Int(difference.milliseconds)) }
    if let credentials = check.credentials {
      writer.beginObject("credentials")
      writer.member("source", credentials.source)
      writer.member("expiresAt", ifPresent: credentials.expiration?.rfc3339)
      writer.member("identity", ifPresent: check.identity)
      writer.endObject()
    }
    if let error = check.refused { writer.errorMember(error, name: "refused") }
  }
}
