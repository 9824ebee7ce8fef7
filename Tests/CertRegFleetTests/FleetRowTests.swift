import CertRegCore
import Testing

@testable import CertRegFleet

/// What the database says is checked as what an upstream says.
@Suite struct FleetRowTests {
  private static func bigint(_ value: Int64) -> [UInt8] {
    (0..<8).map { UInt8(truncatingIfNeeded: value >> (56 - 8 * $0)) }
  }

  private static func double(_ value: Double) -> [UInt8] { bigint(Int64(bitPattern: value.bitPattern)) }

  private static func rows(_ values: [[UInt8]?]) -> Rows {
    var rows = Rows(count: 1, columns: values.count)
    for value in values { if let value { rows.append(value) } else { rows.appendNull() } }
    return rows
  }

  @Test(arguments: [
    (Int64(5), true), (0, true), (-1, false), (.max, false), (.min, false), (32_503_680_000_000_001, false),
  ])
  func `numbers and times lie within bounds`(value: Int64, isTaken: Bool) {
    let welcome = Self.rows([
      Self.bigint(value), Array("id".utf8), Self.bigint(1), [1], Self.bigint(2),
    ])
    #expect(welcome.compactMap(FleetRow.welcome).isEmpty != isTaken)
    #expect(Self.rows([Self.bigint(value)]).compactMap(FleetRow.time).isEmpty != isTaken)
  }

  @Test(arguments: [
    (10.0, 1.0, 0.5, true), (0.001, 1, 0.5, true), (0, 1, 0.5, false), (1e300, 1, 0.5, false), (-1, 1, 0.5, false),
    (10, -1, 0.5, false),
    (10, 1, 1.5, false), (10, 1, -0.1, false), (.nan, 1, 0.5, false), (.infinity, 1, 0.5, false),
  ])
  func `rates, wants and shares lie within bounds`(rate: Double, want: Double, share: Double, isTaken: Bool) {
    for place in 0..<3 {
      var rates: [[UInt8]?] = [Self.double(10), nil, nil]
      rates[place] = Self.double(rate)
      let row: [[UInt8]?] =
        [Array("target".utf8), Array("operation".utf8)] + rates
        + [Self.bigint(1), Array("m".utf8), Self.double(want), Self.double(share), Self.bigint(0)]
      #expect(FleetRow.lanes(Self.rows(row)).isEmpty != isTaken)
    }
  }
}
