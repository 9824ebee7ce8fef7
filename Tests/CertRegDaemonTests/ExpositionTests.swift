import CertRegCore
import CertRegProtocol
import CertRegTesting
import Testing

@testable import CertRegDaemon

@Suite struct ExpositionTests {
  @Test func `a duration counts in the smallest bucket that holds it`() {
    var histogram = Histogram()
    for milliseconds in [0, 1, 2, 1_000, 1_001, 400_000] { histogram.record(.milliseconds(milliseconds)) }
    #expect(histogram.counts[0] == 2 && histogram.counts[1] == 1)
    #expect(histogram.counts[9] == 1 && histogram.counts[10] == 1 && histogram.counts.last == 1)
    #expect(histogram.count == 6)
    #expect(abs(histogram.sumSeconds - 402.004) < 1e-9)
  }

  @Test func `a histogram is written with cumulative buckets, a sum and a count`() {
    var histogram = Histogram()
    histogram.record(.milliseconds(2))
    histogram.record(.seconds(301))
    var text = Exposition()
    text.family("x_seconds", "histogram", "Help.")
    text.histogram("x_seconds", [("target", "eu")], histogram)
    let lines = text.text.split(separator: "\n")
    #expect(lines[..<2] == ["# HELP x_seconds Help.", "# TYPE x_seconds histogram"])
    #expect(lines[2] == #"x_seconds_bucket{target="eu",le="0.001"} 0"#)
    #expect(lines[3] == #"x_seconds_bucket{target="eu",le="0.0025"} 1"#)
    #expect(
      lines.suffix(3) == [
        #"x_seconds_bucket{target="eu",le="+Inf"} 2"#, #"x_seconds_sum{target="eu"} 301.002"#,
        #"x_seconds_count{target="eu"} 2"#,
      ])
  }

  @Test func `label values are escaped`() {
    var text = Exposition()
    text.sample("x", [("a", "q\"b\\n\nl")], 1.5)
    #expect(text.text == "x{a=\"q\\\"b\\\\n\\nl\"} 1.5\n")
  }

  @Test func `answers are counted by kind, up to a limit of kinds`() {
    let counts = RequestCounts()
    for number in 0..<2000 {
      counts.count(.register, ServiceError(.internalFailure, reason: Reason(rawValue: "r\(number)"), message: ""))
    }
    counts.count(.register, "created")
    #expect(counts.all.count <= 513)
    #expect(counts.all.values.reduce(0, +) == 2001)
    #expect(counts.all[.init(operation: .register, outcome: "error", reason: "r1")] == 1)
  }
}
