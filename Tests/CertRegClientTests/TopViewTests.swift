import CertRegCodec
import CertRegCore
import Testing

@testable import CertRegClient

@Suite struct TopViewTests {
  private let now = CivilTime.wallTime(year: 2026, month: 11, day: 24, hour: 9, minute: 0, second: 0)

  private func sample(
    _ second: Int, calls: Int, queued: Int = 0, targets: Int = 1, start: String = "2026-11-24T08:00:00Z"
  ) throws -> TopView.Sample {
    let all = (0..<targets).map { number in
      """
      {"name":"target-\(number)","health":"throttled","queued":\(queued),"inFlight":3,"ratePerSecond":9.5,"callsAtOnce":4,
      "throttles":12,"lastSuccessAt":"2026-11-24T08:59:58Z","endpoint":"https://iot.eu-central-1.amazonaws.com",
      "credentials":{"source":"role arn:aws:iam::123456789012:role/station","expiresAt":"2026-11-24T09:50:30Z"},
      "lastError":{"type":"ThrottlingException","reason":"throttled_by_upstream","message":"Rate exceeded"}}
      """
    }.joined(separator: ",")
    return TopView.Sample(
      time: MonotonicTime(nanoseconds: Int64(second) * 1_000_000_000),
      status: try JSON(
        parsing: """
          {"version":"1.0","state":"running","startedAt":"\(start)","pid":812,"uptimeSeconds":3600,"targets":[\(all)],
          "queue":{"entries":\(queued),"maxEntries":100000,"oldestAgeSeconds":75},"cache":{"entries":7,"hits":\(calls * 9)},
          "connections":{"open":2,"max":4096},
          "counters":{"lines":\(calls * 2),"upstreamCalls":\(calls),"created":\(calls),"failed":3}}
          """),
      metrics: Exposition(
        """
        certregd_upstream_call_duration_seconds_bucket{target="target-0",le="0.1"} \(calls / 2)
        certregd_upstream_call_duration_seconds_bucket{target="target-0",le="0.5"} \(calls)
        certregd_upstream_call_duration_seconds_bucket{target="target-0",le="+Inf"} \(calls)
        certregd_upstream_call_duration_seconds_count{target="target-0"} \(calls)
        """))
  }

  private func text(_ view: TopView, rows: Int, columns: Int) -> [String] {
    view.lines(size: TerminalSize(rows: rows, columns: columns), now: now).map(\.plain)
  }

  @Test(arguments: [1, 5, 40]) func `fills the screen and no more`(targets: Int) throws {
    var view = TopView()
    for second in 0..<300 { view.add(try sample(second, calls: second * second, queued: second, targets: targets)) }
    for size in [(24, 80), (10, 40), (50, 200), (3, 10)].map({ TerminalSize(rows: $0, columns: $1) }) {
      let lines = view.lines(size: size, now: now)
      #expect(lines.count == size.rows, "\(size)")
      #expect(lines.allSatisfy { $0.width <= size.columns }, "\(size)")
    }
  }

  @Test func `a fleet has a line`() throws {
    let fleet = """
      {"state":"connected","member":"a","members":[{"name":"a","shares":{"eu":3.5}},{"name":"b"},{"name":"c","gone":true}]}
      """
    var view = TopView()
    view.add(
      TopView.Sample(
        time: MonotonicTime(nanoseconds: 0), status: try JSON(parsing: #"{"targets":[],"fleet":\#(fleet)}"#)))
    let lines = text(view, rows: 24, columns: 80)
    #expect(lines.contains("fleet connected   members 2, 1 gone   share/s eu 3.5"))
    view = TopView()
    view.add(try sample(0, calls: 1))
    #expect(!text(view, rows: 24, columns: 80).contains { $0.hasPrefix("fleet") })
  }

  @Test func `shows all there is to know on 80 columns and 24 rows`() throws {
    var view = TopView()
    view.add(try sample(0, calls: 100))
    view.add(try sample(2, calls: 150, queued: 12_345))
    let lines = text(view, rows: 24, columns: 80)
    #expect(lines[0] == "certregd 1.0  running  up 1 h 0 min  pid 812")
    #expect(lines.contains { $0.hasPrefix("requests ") && $0.contains(" 50.0 ") })
    #expect(lines.contains { $0.hasPrefix("from cache ") && $0.contains(" 225 ") })
    // Half of the 50 calls took up to 0.1 s, the others up to 0.5 s.
    #expect(lines.contains { $0.hasPrefix("calls ") && $0.contains(" 25.0  100 ms  492 ms ") })
    #expect(lines.contains("queue 12,345 of 100,000, oldest 1 min 15 s   cache 7   connections 2"))
    #expect(
      lines.contains {
        $0.hasPrefix("target-0  throttled  12,345     25.0     9.5") && $0.contains("2 s  role")
          && $0.hasSuffix("50 min")
      })
    #expect(lines.contains { $0.contains("throttled_by_upstream: Rate exceeded") })
    #expect(lines.contains("since the start: created 150, failed 3, from cache 1350"))
  }

  @Test func `cuts no column on 80 columns, however many there are`() throws {
    var view = TopView()
    var sample = try sample(0, calls: 100)
    let call = #"{"operation":"AttachThingPrincipal","queued":12345,"ratePerSecond":100,"underWay":1}"#
    let target = try #require(sample.status["targets"]?.array?.first?.members)
    let calls = try JSON(parsing: "[\(call)]")
    sample.status = .object([
      JSON.Member("targets", .array([.object(target + [JSON.Member("calls", calls)])]))
    ])
    view.add(sample)
    let lines = text(view, rows: 24, columns: 80)
    let heading = try #require(lines.first { $0.hasPrefix("TARGET") })
    #expect(heading.hasSuffix("LAST OK  END IN") && !heading.contains("CREDENTIALS"))
    #expect(lines.contains { $0.hasPrefix("target-0 ") && $0.hasSuffix("50 min") })
    #expect(text(view, rows: 24, columns: 120).contains { $0.contains("CREDENTIALS") })
    // The sandbox has none.
    sample.status = try JSON(parsing: #"{"targets":[{"name":"default","queued":1}]}"#)
    view.add(sample)
    #expect(!text(view, rows: 24, columns: 120).contains { $0.contains("CREDENTIALS") })
  }

  @Test func `cuts many targets and errors, and says so`() throws {
    var view = TopView()
    view.add(try sample(0, calls: 1, targets: 40))
    let lines = text(view, rows: 24, columns: 80)
    #expect(lines.filter { $0.hasPrefix("… ") && $0.hasSuffix(" more lines on a larger screen") }.count == 2)
    #expect(lines.contains { $0.hasPrefix("target-0 ") })
    #expect(lines.contains { $0.contains("throttled_by_upstream") })
  }

  @Test func `draws the history where there is room`() throws {
    var view = TopView()
    for second in 0...60 { view.add(try sample(second, calls: second * second)) }
    let lines = text(view, rows: 50, columns: 200)
    let title = try #require(lines.firstIndex { $0 == "calls a second, at most 119" })
    #expect(lines[title + 1].hasSuffix("█") && !lines[title + 1].hasPrefix("▁"))
    #expect(lines.contains { $0.hasPrefix("requests a second") })
  }

  @Test func `takes rates over ten seconds, and begins anew with a daemon that was restarted`() throws {
    var view = TopView()
    for second in 0...30 { view.add(try sample(second, calls: second < 20 ? 0 : (second - 20) * 7)) }
    #expect(text(view, rows: 24, columns: 80).contains { $0.hasPrefix("calls ") && $0.contains(" 7.0 ") })
    view.add(try sample(31, calls: 5, start: "2026-11-24T08:58:00Z"))
    #expect(text(view, rows: 24, columns: 80).contains { $0.hasPrefix("calls ") && $0.contains(" 0.0 ") })
  }

  @Test func `has nothing to show before the first answer`() {
    #expect(TopView().lines(size: TerminalSize(rows: 24, columns: 80), now: now).isEmpty)
  }

  @Test func `reads histograms`() {
    let before = Exposition(
      """
      a_seconds_bucket{le="1"} 4
      a_seconds_bucket{le="2"} 4
      a_seconds_bucket{le="+Inf"} 4
      a_seconds_count 4
      """)
    let after = Exposition(
      """
      # HELP a_seconds x
      a_seconds_bucket{le="1"} 4
      a_seconds_bucket{le="2"} 8
      a_seconds_bucket{le="+Inf"} 10
      a_seconds_count 10
      a_seconds_counter 5
      b_seconds_count{t="x"} 1
      b_seconds_count{t="y"} 2
      broken
      """)
    #expect(after.count("a_seconds") == 10)
    #expect(after.count("b_seconds") == 3)
    #expect(after.count("b_seconds", label: "t", is: "y") == 2)
    #expect(after.count("c_seconds") == nil)
    #expect(after.quantile(0.5, "a_seconds", since: before) == 1.75)
    // Beyond the last bound there is no telling.
    #expect(after.quantile(0.99, "a_seconds", since: before) == 2)
    #expect(after.quantile(0.5, "a_seconds", since: after) == nil)
    #expect(after.quantile(0.2, "a_seconds", since: nil) == 0.5)
  }
}
