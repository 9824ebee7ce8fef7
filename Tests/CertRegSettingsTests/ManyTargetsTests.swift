import CertRegCore
import CertRegSettings
import CertRegTesting
import Testing

/// A configuration with thousands of targets takes linear time, whether or not it is in order.
@Suite struct ManyTargetsTests {
  private static let variables = ["AWS_REGION": "eu-central-1", "AWS_CA_BUNDLE": "/ca.pem"]

  /// How many times as much 4,000 targets cost as 500. In linear time it is 8, in quadratic time 64.
  private func growth(_ text: @escaping (Int) -> String, environment: [String: String] = [:]) -> Double {
    ProcessorTime.growth(from: 500, to: 4000) { count in _ = try? load(text(count), environment: environment) }
  }

  private func targets(_ count: Int, keys: String = "maxConcurrent: 3") -> String {
    "targets:\n" + (0..<count).map { "  target-\($0): {\(keys)}\n" }.joined() + "defaultTarget: target-0\n"
  }

  @Test(arguments: [[:], variables])
  func `a configuration loads in time that is linear in its targets`(environment: [String: String]) throws {
    let loaded = try load(targets(20), environment: environment)
    #expect(loaded.settings.targets.allSatisfy { $0.region == environment["AWS_REGION"] })
    #expect(growth({ targets($0) }, environment: environment) < 24)
  }

  @Test func `rules that name every target are checked in linear time`() {
    let text = { (count: Int) in
      targets(count) + "access:\n- user: root\n  targets: ["
        + (0..<count).map { "target-\($0)" }.joined(separator: ", ")
        + "]\n"
    }
    #expect(problems(text(20)).isEmpty)
    #expect(growth(text) < 24)
  }

  @Test func `rules that name targets wrongly take linear time, and the first have a suggestion`() {
    let text = { (count: Int) in
      targets(count) + "access:\n- user: root\n  targets: [" + (0..<count).map { "targt-\($0)" }.joined(separator: ", ")
        + "]\n"
    }
    let all = problems(text(100))
    #expect(all.count == 100)
    #expect(all[0].contains("target-0") && all[0].contains("and 84 more"))
    #expect(all.allSatisfy { $0.utf8.count < 500 })
    #expect(growth(text) < 24)
  }
}
