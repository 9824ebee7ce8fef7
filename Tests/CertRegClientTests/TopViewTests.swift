import CertRegCore
import Testing

@testable import CertRegClient

@Suite struct TopViewTests {
  private func sample(_ second: Int, calls: Int, queued: Int = 0) throws -> TopView.Sample {
    TopView.Sample(
      time: MonotonicTime(nanoseconds: Int64(second) * 1_000_000_000),
      status: try JSON(
        parsing: """
          {"version":"1.0","state":"running","targets":[{"name":"default","health":"throttled","queued":\(queued),
          "inFlight":3,"ratePerSecond":9.5,"lastError":{"type":"ThrottlingException","reason":"throttled_by_upstream",
          "message":"Rate exceeded"}}],"queue":{"entries":\(queued)},"cache":{"entries":7},"connections":{"open":2},
          "counters":{"upstreamCalls":\(calls),"lines":\(calls * 2)}}
          """))
  }

  @Test(arguments: [(24, 80), (10, 40), (50, 200), (3, 10)])
  func `fills the screen and no more`(rows: Int, columns: Int) throws {
    var view = TopView()
    for second in 0..<300 { view.add(try sample(second, calls: second * second, queued: second)) }
    let lines = view.lines(size: TerminalSize(rows: rows, columns: columns), now: WallTime(secondsSinceEpoch: 0))
    #expect(lines.count == rows)
    #expect(lines.allSatisfy { $0.width <= columns })
  }

  @Test func `shows rates, queue and what ails a target`() throws {
    var view = TopView()
    view.add(try sample(0, calls: 100))
    view.add(try sample(2, calls: 150, queued: 12_345))
    view.add(metrics: "certregd_upstream_seconds_sum 2.0\ncertregd_upstream_seconds_count 10\n")
    let text = view.lines(size: TerminalSize(rows: 24, columns: 100), now: WallTime(secondsSinceEpoch: 0)).map(\.plain)
    #expect(text.contains { $0.hasPrefix("upstream calls 25.0/s") })
    #expect(text.contains { $0.hasPrefix("queue 12,345   cache 7   connections 2") })
    #expect(text.contains { $0.contains("throttled_by_upstream: Rate exceeded") })
    #expect(text.contains { $0.hasPrefix("lines") && $0.hasSuffix("50.0") })
    #expect(text.contains("upstream: mean 200 ms of 10"))
  }

  @Test func `takes a counter that went back for a restart`() throws {
    var view = TopView()
    for (second, calls) in [(0, 100), (1, 110), (2, 5), (3, 25), (3, 30)] {
      view.add(try sample(second, calls: calls))
    }
    #expect(view.rates(of: "upstreamCalls") == [10, 0, 20, 0])
    #expect(view.rates(of: "unknown") == [0, 0, 0, 0])
  }

  @Test func `has nothing to show before the first answer`() {
    #expect(TopView().lines(size: TerminalSize(rows: 24, columns: 80), now: WallTime(secondsSinceEpoch: 0)).isEmpty)
  }

  @Test func `reads latencies between two readings of the metrics`() {
    let before = [
      "a_seconds_sum": 1.0, "a_seconds_count": 10, "b_seconds_sum{x=\"y\"}": 5, "b_seconds_count{x=\"y\"}": 5,
    ]
    let after = Exposition.values(
      "# HELP a_seconds x\na_seconds_sum 2.5\na_seconds_count 20\nb_seconds_sum{x=\"y\"} 5\nb_seconds_count{x=\"y\"} 5\nbroken\n"
    )
    #expect(
      LatencyReading.readings(current: after, previous: before) == [
        LatencyReading(name: "a", count: 10, meanSeconds: 0.15)
      ])
  }
}
