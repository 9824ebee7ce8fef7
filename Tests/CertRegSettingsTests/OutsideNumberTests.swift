import CertRegCore
import Testing

@testable import CertRegSettings

/// Numbers, durations and sizes as people and programs write them: each is read or refused.
@Suite struct OutsideNumberTests {
  private static let words = [
    "0", "-0", "-1", "1", "1e300", "1e308", "1e309", "-1e300", "1e-320", "nan", "inf", "-inf", "infinity", "0x10",
    "1e16",
    "9223372036854775807", "9223372036854775808", "-9223372036854775808", "18446744073709551616", "1e", ".", "..",
    "1_0",
    "99999999999999999999999999999999999999", "0.0000001", "١٢", "½", "+1", "0-0", "0+0", "0o-0",
  ]
  private static let units = [
    "", "d", "h", "m", "s", "ms", "B", "kB", "KiB", "MB", "MiB", "GB", "GiB", " GiB", "x",
  ]

  private func isRefusedOrTakes<Value>(_ form: ValueForm<Value>, _ text: String, _ check: (Value) -> Bool) -> Bool {
    do throws(ValueProblem) { return check(try form.parse(text)) } catch { return true }
  }

  private func hasSign(_ text: String) -> Bool { text.contains("+") || text.contains("-") }

  @Test func `every number is in its range or refused`() {
    let seed = UInt64.random(in: 0...UInt64.max)
    print("seed \(seed)")
    var random = SplitMix64(seed: seed)
    for _ in 0..<5000 {
      let text = (0..<Int.random(in: 1...3, using: &random)).map { _ in
        (Self.words.randomElement(using: &random) ?? "") + (Self.units.randomElement(using: &random) ?? "")
      }.joined()
      let comment: Comment = "seed \(seed): \(text)"
      #expect(
        isRefusedOrTakes(.duration(.zero ... .seconds(600)), text) { (.zero ... .seconds(600)).contains($0) }, comment)
      #expect(isRefusedOrTakes(.size(1...(1 << 30)), text) { (1...(1 << 30)).contains($0) }, comment)
      #expect(isRefusedOrTakes(.number(0.001...1_000_000), text) { (0.001...1_000_000).contains($0) }, comment)
      #expect(isRefusedOrTakes(.fileMode, text) { $0 <= 0o777 && !hasSign(text) }, comment)
      #expect(isRefusedOrTakes(.httpURL, "https://h:\(text)") { _ in !hasSign(text) }, comment)
      #expect(isRefusedOrTakes(.metricsListen, "127.0.0.1:\(text)") { _ in !hasSign(text) }, comment)
    }
  }

  @Test(arguments: [-Double.greatestFiniteMagnitude, -1e15, -0.0, 0.001, 1e15, 1e300, .greatestFiniteMagnitude])
  func `a number is read as it was printed`(value: Double) throws {
    #expect(try decimalNumber(formatNumber(value)) == value)
  }
}
