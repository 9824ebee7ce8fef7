import CertRegClock
import CertRegCore
import CertRegHost
import CertRegSettings
import CertRegTesting
import Testing

@testable import CertRegDaemon

/// The targets that `status` and `metrics` tell of.
@Suite struct ShownTargetsTests {
  private func service(allowing targets: [String]?) async throws -> ServiceUnderTest {
    var rule = AccessRule()
    rule.targets = targets
    var settings = AccessSettings()
    settings.rules = [rule]
    let access = AccessControl(settings, maxPending: 100, database: .system, clock: HostClock.system)
    return try await ServiceUnderTest(.socket, replies: [], access: access)
  }

  @Test(arguments: [(nil, true), (["default", "other"], true), (["other"], false)] as [([String]?, Bool)])
  func `a caller is told of the targets that its rule names`(targets: [String]?, isShown: Bool) async throws {
    let service = try await service(allowing: targets)
    let status = try await service.ask(#"{"op":"status"}"#)
    let names = (status["targets"] as? [[String: any Sendable]])?.map { $0["name"] as? String }
    #expect(names == (isShown ? ["default"] : []))
    #expect(status["queue"] != nil && status["limits"] != nil)
    let metrics = try await service.ask(#"{"op":"metrics"}"#)
    let body = try #require(metrics["body"] as? String)
    #expect(body.contains(#"target="default""#) == isShown && body.contains("certregd_queue_entries"))
    await service.stop()
  }
}
