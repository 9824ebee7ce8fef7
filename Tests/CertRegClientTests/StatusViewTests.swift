import CertRegClient
import CertRegCodec
import CertRegCore
import Testing

@Suite struct StatusViewTests {
  private let now = CivilTime.wallTime(year: 2026, month: 11, day: 24, hour: 9, minute: 0, second: 0)

  private func lines(_ text: String, targets: [String] = [], width: Int = 80) throws -> [String] {
    StatusView(try JSON(parsing: text), targets: targets, now: now).lines(width: width).map(\.plain)
  }

  private static let full = """
    {"id":1,"version":"1.2","startedAt":"2026-11-24T08:00:00Z","uptimeSeconds":3600,"pid":12,"state":"running","targets":[
    {"name":"default","region":"eu-central-1","endpoint":"https://iot.eu-central-1.amazonaws.com","health":"throttled",
    "queued":12345,"inFlight":3,"ratePerSecond":9.5,"lastError":{"type":"UnauthorizedException","reason":"access_denied",
    "message":"not allowed"},"lastSuccessAt":"2026-11-24T08:58:00.000Z"},{"name":"us","health":"ok","lastError":null}],
    "cache":{"entries":10,"hits":90,"misses":10},"queue":{"entries":2,"maxEntries":100000,"oldestAgeSeconds":3.25},
    "connections":{"open":1,"max":1024},"limits":{"window":64,"maxLineBytes":524288},"counters":{"registered":120000},
    "novelty":{"x":true}}
    """

  @Test func `shows the whole state, what it does not know included`() throws {
    let lines = try lines(StatusViewTests.full)
    #expect(lines[0] == "certregd 1.2  running  up 1 h 0 min  since 2026-11-24T08:00:00Z  pid 12")
    #expect(lines.contains("cache        10 entries, 90 hits, 10 misses (90.0 % hits)"))
    #expect(lines.contains("queue        2 of 100,000, oldest 3.3 s"))
    #expect(lines.contains("connections  1 open of 1024"))
    #expect(lines.contains { $0.contains("default") && $0.contains("12,345") && $0.contains("2 min 0 s ago") })
    #expect(lines.contains("  default: last error: access_denied: not allowed"))
    #expect(lines.contains { $0.contains("iot:RegisterCertificateWithoutCA") })
    #expect(lines.contains("  registered  120,000"))
    #expect(lines.contains("Novelty") && lines.contains("  x  yes"))
    #expect(lines.allSatisfy { $0.count <= 80 })
  }

  @Test func `tells a sandbox, and an error that is over`() throws {
    let lines = try lines(
      #"{"sandbox":true,"targets":[{"name":"a","health":"ok","lastError":{"reason":"access_denied","message":"no"}}]}"#)
    #expect(lines[0] == "certregd  sandbox: nothing reaches AWS")
    #expect(lines.last == "  a: recovered from: access_denied: no")
  }

  @Test func `shows the targets that were asked for`() throws {
    let lines = try lines(StatusViewTests.full, targets: ["us"])
    #expect(!lines.contains { $0.contains("default") })
    #expect(lines.contains { $0.hasPrefix("  us") })
  }

  @Test(arguments: [
    "{}", #"{"targets":[]}"#, #"{"targets":[{}],"cache":null,"queue":3}"#, #"{"version":7,"targets":"x","limits":{}}"#,
    #"{"uptimeSeconds":1e999,"queue":{"entries":"many","oldestAgeSeconds":-1}}"#,
  ])
  func `makes do with what is there`(text: String) throws {
    #expect(try lines(text)[0].hasPrefix("certregd"))
  }

  @Test(arguments: [
    (0, "0 s"), (0.0421, "42 ms"), (4.25, "4.3 s"), (59.9, "59 s"), (61, "1 min 1 s"), (7322, "2 h 2 min"),
    (200_000, "2 d 7 h"), (-5, "0 s"),
  ])
  func `tells durations in two units`(seconds: Double, expected: String) {
    #expect(StatusView.duration(seconds: seconds) == expected)
  }

  @Test func `reads times`() {
    #expect(StatusView.time("2026-11-24T09:00:00.000Z") == now)
    #expect(StatusView.time("2026-11-24 09:00") == nil)
    #expect(StatusView.time("") == nil)
  }

  @Test func `problems of the daemon stand below its name, those of targets with the targets`() throws {
    let text =
      #"{"version":"1","state":"running","problems":[{"reason":"clock_not_set","message":"the clock is not set"},"#
      + #"{"reason":"down","message":"eu is unavailable"}],"targets":[{"name":"eu","health":"unavailable","lastError":"#
      + #"{"type":"X","httpStatus":503,"reason":"down","message":"no","retryable":true,"origin":"upstream"}}]}"#
    let lines = try lines(text)
    #expect(lines[1] == "! the clock is not set")
    #expect(!lines.contains { $0.hasPrefix("! eu") } && lines.contains { $0.contains("down: no") })
  }
}
