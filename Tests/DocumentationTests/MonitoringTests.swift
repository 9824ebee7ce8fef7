import Foundation
import Testing

/// Compares docs/monitoring.md, the alert rules and the dashboard with the code.
@Suite struct MonitoringTests {
  /// The families that the daemon writes.
  private static func families() throws -> Set<String> {
    let source = try ["Reports+Metrics.swift", "Fleet/FleetReport+Metrics.swift"].map { file in
      try Repository.text("Sources/CertRegDaemon/\(file)")
    }.joined()
    return Set(source.matches(of: /"((certregd|process)_[a-z_]+)"/).map { String($0.1) })
  }

  @Test func `every metric has a row, and every row a metric`() throws {
    let tables = MarkdownTable.all(in: try Repository.text("docs/monitoring.md"), firstColumn: "metric")
    let documented = try #require(tables.first?.column("metric")).map(\.inCode)
    #expect(Set(documented) == (try Self.families()))
    #expect(documented.count == Set(documented).count && documented.count > 30)
  }

  @Test(arguments: ["alerts.yaml", "alerts_test.yaml", "dashboard.json"])
  func `uses existing metrics only`(file: String) throws {
    let text = try Repository.text("docs/monitoring/\(file)")
    let families = try Self.families()
    let used = text.matches(of: /\b((certregd|process)_[a-z_]+)/).map { match in
      let name = String(match.1)
      let base = ["_bucket", "_sum", "_count"].first { name.hasSuffix($0) }.map { String(name.dropLast($0.count)) }
      return base.flatMap { families.contains($0) ? $0 : nil } ?? name
    }
    #expect(used.count > 5)
    #expect(Set(used).subtracting(families) == [])
  }
}
