import CertRegCodec
import CertRegCore
import Testing

@testable import CertRegClient

/// Numbers in answers can be of any size, sign and spelling.
@Suite struct NumberTests {
  private static let numbers = [
    "0", "-0", "-1", "1e300", "-1e300", "1e999", "-1e999", "1e-300", "9223372036854775807", "9223372036854775808",
    "-9223372036854775809", "18446744073709551616", "1e15", "9.3e18", "0.5", "59.99999999999999", "1e12",
    "999999999999",
    "123456789012345678901234567890",
  ]
  private static let texts = [
    "", "2026-11-24T08:59:00Z", "9999-99-99T99:99:99.999Z", "-999--9--9T-9:-9:-9Z", "+001-+1-+1T+1:+1:+1.+12Z", "NaN",
  ]

  /// A value of random kind, as a daemon with a fault, or none at all, could send it.
  private static func value(_ generator: inout SplitMix64, depth: Int = 0) -> JSON {
    switch Int.random(in: 0..<(depth < 2 ? 10 : 8), using: &generator) {
    case 0: .null
    case 1: .bool(Bool.random(using: &generator))
    case 2: .string(texts.randomElement(using: &generator) ?? "")
    case 8: .array((0..<3).map { _ in value(&generator, depth: depth + 1) })
    case 9: .object(["name", "queued", "reason"].map { JSON.Member($0, value(&generator, depth: depth + 1)) })
    default: .number(numbers.randomElement(using: &generator) ?? "0")
    }
  }

  /// `json` with about every fourth member replaced by a random value.
  private static func mutated(_ json: JSON, _ generator: inout SplitMix64) -> JSON {
    switch json {
    case .object(let members):
      return .object(
        members.map { member in
          JSON.Member(
            member.name,
            Int.random(in: 0..<4, using: &generator) == 0 ? value(&generator) : mutated(member.value, &generator))
        })
    case .array(let elements): return .array(elements.map { mutated($0, &generator) })
    default: return json
    }
  }

  private static let status = """
    {"version":"1.2","startedAt":"2026-11-24T08:00:00Z","uptimeSeconds":3600,"pid":12,"state":"running","sandbox":false,
    "problems":[{"reason":"x","message":"y"}],"targets":[{"name":"default","default":true,"region":"eu-central-1",
    "endpoint":"https://e","health":"ok","queued":5,"inFlight":2,"ratePerSecond":9.5,"callsAtOnce":4,"clockOffsetMs":3,
    "credentials":{"source":"role","expiresAt":"2026-11-24T09:50:30Z"},"throttles":12,
    "lastSuccessAt":"2026-11-24T08:59:58Z","lastError":{"type":"T","reason":"r","message":"m","retryAfterMs":5}}],
    "cache":{"entries":7,"maxEntries":9,"hits":3,"misses":4},"queue":{"entries":5,"maxEntries":100,"oldestAgeSeconds":75},
    "connections":{"open":2,"max":4096,"total":9},"limits":{"window":64,"maxLineBytes":524288},
    "counters":{"lines":10,"invalidLines":1,"pauses":0,"upstreamCalls":4,"created":3,"existing":1,"failed":1}}
    """
  private static let check = """
    {"target":"default","endpoint":"https://e","region":"eu-central-1","clockAheadMs":-900,
    "credentials":{"source":"environment","identity":"i","expiresAt":"2026-11-24T09:50:30Z"},
    "refused":{"type":"T","reason":"access_denied","message":"m","retryAfterMs":9}}
    """

  private static func metrics(_ generator: inout SplitMix64) -> Exposition {
    let values = numbers + ["NaN", "+Inf", "-Inf", "nan", "0x1p1000", "x"]
    func random() -> String { values.randomElement(using: &generator) ?? "" }
    var lines: [String] = []
    for family in ["certregd_upstream_call_duration_seconds", "certregd_registration_duration_seconds"] {
      for bound in ["0.1", "0.5", "nan", "1e400", "+Inf"] {
        lines.append("\(family)_bucket{target=\"default\",le=\"\(bound)\"} \(random())")
      }
      lines.append("\(family)_count{target=\"default\"} \(random())")
    }
    return Exposition(lines.joined(separator: "\n"))
  }

  @Test func `status, top, doctor and import survive every number in answers`() throws {
    let seed = UInt64.random(in: 0...UInt64.max)
    print("seed \(seed)")
    var generator = SplitMix64(seed: seed)
    let status = try JSON(parsing: NumberTests.status)
    let check = try JSON(parsing: NumberTests.check)
    let now = CivilTime.wallTime(year: 2026, month: 11, day: 24)
    var top = TopView()
    for round in 0..<300 {
      let answer = NumberTests.mutated(status, &generator)
      let width = [1, 20, 80, 240].randomElement(using: &generator) ?? 80
      _ = StatusView(answer, now: now).lines(width: width)
      // The same start time, so that samples are compared with each other.
      var sample = answer.members ?? []
      sample.removeAll { $0.name == "startedAt" }
      top.add(
        TopView.Sample(
          time: MonotonicTime(nanoseconds: Int64(round) * 1_000_000_000), status: .object(sample),
          metrics: NumberTests.metrics(&generator)))
      _ = top.lines(size: TerminalSize(rows: 50, columns: width), now: now)
      var progress = ImportProgress()
      progress.daemon = answer
      progress.fraction = [nil, 0, 1e-300, 0.5, 1, .nan, .infinity].randomElement(using: &generator) ?? nil
      progress.count("created", [0, 1, 1_000_000_000].randomElement(using: &generator) ?? 0)
      _ = progress.lines(width: width)
      _ = DaemonFacts(status: answer)
      _ = ResultLine(result: answer, name: "x")
      var probe = try FakeMachine.healthy(
        upstream: .init(status: 0, output: NumberTests.mutated(check, &generator).serialized() + "\n"))
      probe.answer(answer.serialized())
      var findings: [Finding] = []
      Doctor(socketPath: "/run/c.sock", probe: probe).examine { findings.append($0) }
      #expect(findings.count >= 6, "seed \(seed), round \(round)")
      #expect(findings.allSatisfy { !$0.lines(width: width).isEmpty }, "seed \(seed), round \(round)")
    }
  }

  @Test(arguments: [
    (0.4, 0), (0.5, 1), (-0.5, -1), (9.2e18, 9_200_000_000_000_000_000), (-9.223372036854775808e18, .min),
  ])
  func `rounds to the nearest whole number`(value: Double, expected: Int) {
    #expect(value.wholeNumber == expected)
  }

  @Test(arguments: [Double.nan, .infinity, -.infinity, 9.3e18, 1e300, -1e300])
  func `knows no whole number where there is none`(value: Double) {
    #expect(value.wholeNumber == nil)
  }

  @Test(arguments: numbers)
  func `free space of any size is reported`(number: String) throws {
    var probe = try FakeMachine.healthy(upstream: .init(status: 0, output: ""))
    let others = probe.run
    for output in ["\(number) \(number) \(number) \(number)", "\(number)", ""] {
      probe.run = { $0.arguments.contains("--file-system") ? .init(status: 0, output: output + "\n") : others($0) }
      var findings: [Finding] = []
      Doctor(socketPath: "/run/c.sock", probe: probe).examine { findings.append($0) }
      #expect(findings.contains { $0.subject == "storage" })
    }
  }

  @Test(
    arguments: [
      (nil, 1, Duration.milliseconds(100)), (nil, 2, .milliseconds(200)), (Int.max, 1, .seconds(30)),
      (Int.min, 9, .milliseconds(6400)), (5000, 1, .seconds(5)),
    ] as [(Int?, Int, Duration)])
  func `a pause that an answer asks for is bounded`(asked: Int?, tries: Int, expected: Duration) {
    var attempt = ImportAttempt(
      entry: InputEntry(place: "", .text), certificate: InputCertificate(undecodable: "", of: ""), targets: [],
      notBefore: MonotonicTime(nanoseconds: 0))
    attempt.tries = tries
    var error = AnswerError(type: "ThrottlingException", reason: "r", message: "m", retryable: true)
    error.retryAfterMilliseconds = asked
    #expect(attempt.pause(first: .milliseconds(100), error) == expected)
  }
}
