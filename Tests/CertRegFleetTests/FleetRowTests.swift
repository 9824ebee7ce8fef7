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

  private static let id = CertificateID(words: (0xab, 2, 3, 4))

  private static func result(arn: String?, requestID: String? = "r", provisioned: String? = nil) -> [[UInt8]?] {
    let text = { (text: String?) in text.map { Array($0.utf8) } }
    return [
      id.withBytes { Array($0) }, text("target"), bigint(1), [0], text(arn), text("created"), text("ACTIVE"),
      text(requestID), bigint(1), bigint(1), bigint(1), bigint(1), nil, text(provisioned),
    ]
  }

  /// Whether a result is taken.
  private static func isTaken(arn: String?, requestID: String? = "r", provisioned: String? = nil) -> Bool {
    let row = result(arn: arn, requestID: requestID, provisioned: provisioned)
    return !rows(row).compactMap(FleetRow.result).isEmpty
  }

  @Test func `news take up their number, whatever their result is`() {
    for (arn, isResult) in [(nil, true), ("mine", false)] as [(String?, Bool)] {
      let news = Self.rows([Array("m".utf8), Self.bigint(7)] + Self.result(arn: arn)).compactMap(FleetRow.news)
      #expect(news.map(\.member) == ["m"] && news.map(\.number) == [7] && news.map { $0.result != nil } == [isResult])
    }
    #expect(Self.rows([Array("m".utf8), Self.bigint(-1)] + Self.result(arn: nil)).compactMap(FleetRow.news).isEmpty)
  }

  @Test func `a result names its certificate as an upstream may`() {
    let hex = Self.id.hex
    #expect(Self.isTaken(arn: "arn:aws:iot:eu-central-1:123456789012:cert/\(hex)") && Self.isTaken(arn: nil))
    for arn in [
      "", hex, "cert/\(hex)", "arn:aws:iot:r:1:cert/" + String(repeating: "0", count: 64),
      "arn:aws:iot:r:1:cert/\(hex.uppercased())", "arn:aws:iot:r::cert/\(hex)", "arn:aws:iot:r:1:thing/\(hex)",
      "arn:aws:iot:r:1:other/cert/\(hex)", "arn:aws:iot:r:1\":cert/\(hex)", "arn:aws:iot:r:1\n:cert/\(hex)",
      "arn:aws:iot:r:ä:cert/\(hex)", "arn:aws:iot:r:" + String(repeating: "1", count: 500) + ":cert/\(hex)",
    ] {
      #expect(!Self.isTaken(arn: arn), "\(arn)")
    }
  }

  @Test func `a result is no longer than one can be`() {
    let long = { (count: Int) in String(repeating: "x", count: count) }
    #expect(Self.isTaken(arn: nil, requestID: long(128), provisioned: long(65_536)))
    #expect(!Self.isTaken(arn: nil, provisioned: long(65_537)))
  }

  @Test(arguments: [
    ("6d1a", true), (nil, false), ("", false), ("a b", false), ("a\n", false), ("a\u{1b}[31m", false), ("a\"", false),
    ("ä", false), (String(repeating: "x", count: 128), true), (String(repeating: "x", count: 129), false),
  ])
  func `a request ID is one that an upstream may give, or is left out`(id: String?, isKept: Bool) throws {
    let result = try #require(Self.rows(Self.result(arn: nil, requestID: id)).compactMap(FleetRow.result).first)
    #expect(result.content?.requestID == (isKept ? id : nil))
  }
}
