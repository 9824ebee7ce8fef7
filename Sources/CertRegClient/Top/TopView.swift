import CertRegCodec
package import CertRegCore

/// The frames of `certregctl top`: rates between answers to `status` and `metrics`, and the current state.
package struct TopView {
  /// A pair of answers and its time.
  package struct Sample: Sendable {
    /// When the answers arrived.
    package var time: MonotonicTime
    /// The answer to `status`.
    package var status: JSON
    /// The daemon's metrics; empty where it refuses them to this user.
    package var metrics: Exposition

    package init(time: MonotonicTime, status: JSON, metrics: Exposition = Exposition("")) {
      self.time = time
      self.status = status
      self.metrics = metrics
    }
  }

  /// A counter that is shown with its rate, and its histogram.
  private struct Series: Sendable {
    var name: String
    /// A family of metrics; its `_count` is the counter.
    var family: String?
    var count: @Sendable (Sample) -> Double?

    init(_ name: String, family: String) {
      self.name = name
      self.family = family
      count = { $0.metrics.count(family) }
    }

    init(_ name: String, count: @escaping @Sendable (Sample) -> Double?) {
      self.name = name
      self.count = count
    }
  }

  private static let calls = "certregd_upstream_call_duration_seconds"
  private static let series = [
    Series("requests") { $0.status["counters"]?["lines"]?.double },
    Series("from cache") { $0.status["cache"]?["hits"]?.double },
    Series("registrations", family: "certregd_registration_duration_seconds"),
    Series("calls", family: calls), Series("commits", family: "certregd_store_commit_duration_seconds"),
  ]
  /// The time over which rates and quantiles are taken. At the pace of an account, one second has too few calls.
  private static let window = Duration.seconds(10)

  private var samples: [Sample] = []
  private let historyLength: Int

  package init(historyLength: Int = 240) {
    self.historyLength = historyLength
  }

  /// Adds a sample.
  package mutating func add(_ sample: Sample) {
    // A restarted daemon counts from zero.
    if samples.last?.status["startedAt"] != sample.status["startedAt"] { samples = [] }
    samples.append(sample)
    if samples.count > historyLength { samples.removeFirst() }
  }

  /// The frame's lines: one for each row of `size`, none wider than its columns.
  package func lines(size: TerminalSize, now: WallTime) -> [TerminalText] {
    guard let last = samples.last else { return [] }
    let view = StatusView(last.status, now: now)
    let head =
      [view.liveHeadline, ""] + rates(width: size.columns) + ["", standing(last.status)] + fleet(last.status)
    let tail = ["", totals(last.status)]
    let room = max(1, size.rows - 1)
    let targets = targets(last.status)
    let table = targetLines(targets, now: now, width: size.columns)
    let problems = view.problems(size.columns)
    let brief = problems + errors(targets)
    // Errors get the remaining lines, but at least some where there are many targets.
    let forTargets = room - head.count - tail.count - 1 - (brief.isEmpty ? 0 : min(brief.count, 4) + 1)
    var lines = head + [""] + cut(table, to: max(2, forTargets))
    let forErrors = room - lines.count - tail.count - 1
    if !brief.isEmpty, forErrors > 0 {
      let full = problems + view.targetErrors(size.columns)
      lines += [""] + (full.count <= forErrors ? full : cut(brief, to: forErrors))
    }
    lines += charts(rows: room - lines.count - tail.count, width: size.columns) + tail
    lines = Array(lines.prefix(room))
    lines += Array(repeating: "", count: room - lines.count)
    lines.append("\("q ends; rates and latencies of the last 10 s", .dim)")
    return lines.map { $0.truncated(to: size.columns) }
  }

  /// The last error of each target, on one line.
  private func errors(_ targets: [JSON]) -> [TerminalText] {
    targets.compactMap { target in
      guard let error = target["lastError"].flatMap(AnswerError.init(json:)) else { return nil }
      let isOver = target["health"]?.string == "ok"
      return TerminalText(
        "\(target["name"]?.string ?? "-"): \(isOver ? "recovered from " : "")\(error.reason): \(error.message)",
        isOver ? .dim : .yellow)
    }
  }

  /// The history of requests and calls in the remaining rows, if there are enough of them.
  private func charts(rows: Int, width: Int) -> [TerminalText] {
    let shown = ["requests", "calls"].compactMap { name in TopView.series.first { $0.name == name } }
    let height = min(10, rows / shown.count - 2)
    guard height >= 3 else { return [] }
    return shown.flatMap { series -> [TerminalText] in
      let rates = Array(history(of: series.count).suffix(width))
      let highest = rates.max() ?? 0
      let title: TerminalText = "\(series.name, .bold) a second, at most \(TopView.number(highest))"
      return ["", title] + TopView.columns(rates, highest: highest, height: height).map { "\($0, .cyan)" }
    }
  }

  private static let blocks = Array(" ▁▂▃▄▅▆▇█")

  /// `rates` as columns of `height` rows, the top row first.
  private static func columns(_ rates: [Double], highest: Double, height: Int) -> [String] {
    (0..<height).reversed().map { row in
      String(
        rates.map { rate in
          let eighths = highest > 0 ? (rate / highest * Double(height * 8)).rounded(.up).wholeNumber ?? 0 : 0
          return blocks[min(8, max(row == 0 ? 1 : 0, eighths - row * 8))]
        })
    }
  }

  private func cut(_ lines: [TerminalText], to count: Int) -> [TerminalText] {
    guard lines.count > count else { return lines }
    return lines.prefix(count - 1) + ["\("… \(lines.count - count + 1) more lines on a larger screen", .dim)"]
  }

  /// A row for each series: rate, latency, and history with a column for each sample.
  private func rates(width: Int) -> [TerminalText] {
    let rows = TopView.series.compactMap { series -> [TerminalText]? in
      guard let last = samples.last, series.count(last) != nil else { return nil }
      let rate = rate(of: series.count)
      let recent = Array(history(of: series.count).suffix(max(1, width - 46)))
      let bars = TopView.columns(recent, highest: recent.max() ?? 0, height: 1)[0]
      func quantile(_ share: Double) -> TerminalText {
        let seconds = series.family.flatMap { last.metrics.quantile(share, $0, since: base?.metrics) }
        return TerminalText(seconds.map { StatusView.duration(seconds: $0) } ?? "-")
      }
      return [
        TerminalText(series.name), TerminalText(TopView.number(rate), rate > 0 ? .green : .dim), quantile(0.5),
        quantile(0.99), TerminalText(bars, .cyan),
      ]
    }
    return Table(
      [
        .init(""), .init("A SECOND", alignsRight: true), .init("MEDIAN", alignsRight: true),
        .init("99 %", alignsRight: true), .init("SECOND BY SECOND"),
      ], rows: rows
    ).lines(width: width)
  }

  /// The sample from which rates are taken; `nil` with fewer than two samples.
  private var base: Sample? {
    guard let last = samples.last, samples.count > 1 else { return nil }
    return samples.dropLast().last { last.time - $0.time >= TopView.window } ?? samples[0]
  }

  private func rate(of count: (Sample) -> Double?) -> Double {
    guard let base, let last = samples.last else { return 0 }
    return TopView.rate(base, last, count)
  }

  /// The rate from sample to sample.
  private func history(of count: (Sample) -> Double?) -> [Double] {
    zip(samples, samples.dropFirst()).map { TopView.rate($0, $1, count) }
  }

  private static func rate(_ earlier: Sample, _ later: Sample, _ count: (Sample) -> Double?) -> Double {
    let seconds = Double((later.time - earlier.time).milliseconds) / 1000
    guard seconds > 0, let before = count(earlier), let after = count(later), after >= before else { return 0 }
    return (after - before) / seconds
  }

  private static func number(_ value: Double) -> String {
    guard value >= 100 else { return StatusView.oneDecimal(value) }
    return value.wholeNumber.map { MemberList.grouped(String($0)) } ?? "-"
  }

  /// Queue, cache and connections.
  private func standing(_ status: JSON) -> TerminalText {
    let queue = status["queue"]
    let limit = queue?["maxEntries"].map { " of \(MemberList.text($0))" } ?? ""
    let oldest = queue?["oldestAgeSeconds"]?.double.map { ", oldest \(StatusView.duration(seconds: $0))" } ?? ""
    let parts = [
      queue?["entries"].map { "queue \(MemberList.text($0))\(limit)\(oldest)" },
      status["cache"]?["entries"].map { "cache \(MemberList.text($0))" },
      status["connections"]?["open"].map { "connections \(MemberList.text($0))" },
    ]
    return TerminalText(parts.compactMap { $0 }.joined(separator: "   "))
  }

  /// The fleet, on a line; none without a fleet. Its problem is among the daemon's.
  private func fleet(_ status: JSON) -> [TerminalText] {
    guard let fleet = status["fleet"], case .object = fleet else { return [] }
    let state = fleet["state"]?.string ?? "-"
    let members = fleet["members"]?.array ?? []
    let gone = members.count { $0["gone"]?.bool == true }
    let own = members.first { $0["name"] == fleet["member"] }?["shares"]?.members ?? []
    var line: TerminalText = "fleet \(state, state == "connected" ? .green : .yellow)"
    line += "   members \(members.count - gone)"
    if gone > 0 { line += "\(", \(gone) gone", .yellow)" }
    if !own.isEmpty {
      let shares = own.map { "\($0.name) \($0.value.double.map(TopView.number) ?? "-")" }
      line += "   share/s \(shares.joined(separator: ", "))"
    }
    return [line]
  }

  /// The targets, those with problems first, then those with a queue.
  private func targets(_ status: JSON) -> [JSON] {
    (status["targets"]?.array ?? []).enumerated().sorted { left, right in
      func order(_ target: (offset: Int, element: JSON)) -> (Int, Double, Int) {
        (
          target.element["health"]?.string == "ok" ? 1 : 0, -(target.element["queued"]?.double ?? 0), target.offset
        )
      }
      return order(left) < order(right)
    }.map(\.element)
  }

  private func targetLines(_ targets: [JSON], now: WallTime, width: Int) -> [TerminalText] {
    func number(_ value: JSON?) -> TerminalText {
      guard let double = value?.double else { return "-" }
      return TerminalText(value?.integer.map { MemberList.grouped(String($0)) } ?? TopView.number(double))
    }
    return Table(
      [
        // Beneath the names of targets are those of calls, which cannot be told apart by their first letters.
        .init("TARGET", minimum: targets.allSatisfy { TopView.calls(of: $0).isEmpty } ? 8 : 22), .init("HEALTH"),
        .init("QUEUED", alignsRight: true),
        .init("CALLS/S", alignsRight: true), .init("PACE/S", alignsRight: true),
        .init("IN FLIGHT", alignsRight: true, isOptional: true), .init("AT ONCE", alignsRight: true, isOptional: true),
        .init("THROTTLED", alignsRight: true, isOptional: true), .init("LAST OK", alignsRight: true),
        .init("CREDENTIALS", minimum: 11, yieldsLast: true), .init("END IN", alignsRight: true),
        .init("ENDPOINT", minimum: 12, isOptional: true),
      ],
      rows: targets.flatMap { target in
        let name = target["name"]?.string ?? "-"
        let health = target["health"]?.string ?? "-"
        let calls = rate { $0.metrics.count(TopView.calls, label: "target", is: name) }
        let row = [
          TerminalText(name), TerminalText(health, StatusView.style(ofState: health)), number(target["queued"]),
          TerminalText(TopView.number(calls), calls > 0 ? .green : .dim), number(target["ratePerSecond"]),
          number(target["inFlight"]), number(target["callsAtOnce"]), number(target["throttles"]),
          TopView.age(target["lastSuccessAt"], now), TerminalText(target["credentials"]?["source"]?.string ?? ""),
          TopView.timeLeft(target["credentials"]?["expiresAt"], now), TerminalText(target["endpoint"]?.string ?? ""),
        ]
        let steps = TopView.calls(of: target).map { call in
          let rest = [TerminalText](repeating: "", count: 4)
          return [
            TerminalText("  \(call["operation"]?.string ?? "-")"), "", number(call["queued"]), "",
            number(call["ratePerSecond"]), number(call["underWay"]), "", number(call["throttles"]),
          ] + rest
        }
        return [row] + steps
      }
    ).lines(width: width)
  }

  /// The calls of a target that have a pace of their own. One that only registers has none beside its own line.
  private static func calls(of target: JSON) -> [JSON] {
    let calls = target["calls"]?.array ?? []
    let isOnlyRegistering = calls.allSatisfy { $0["operation"]?.string == "RegisterCertificateWithoutCA" }
    return isOnlyRegistering ? [] : calls
  }

  private static func age(_ value: JSON?, _ now: WallTime) -> TerminalText {
    guard let time = value?.string.flatMap(StatusView.time) else { return "never" }
    return TerminalText(StatusView.briefDuration(seconds: seconds(from: time, to: now)))
  }

  private static func timeLeft(_ value: JSON?, _ now: WallTime) -> TerminalText {
    guard let time = value?.string.flatMap(StatusView.time) else { return "" }
    let left = seconds(from: now, to: time)
    // certregd renews credentials from 15 minutes before their end.
    return left <= 0
      ? "\("ended", .red)" : TerminalText(StatusView.briefDuration(seconds: left), left < 600 ? .yellow : .plain)
  }

  private static func seconds(from start: WallTime, to end: WallTime) -> Double {
    Double((end - start).milliseconds) / 1000
  }

  /// Outcomes of registrations and requests since the daemon's start.
  private func totals(_ status: JSON) -> TerminalText {
    func part(_ name: String, _ value: JSON?, _ style: TerminalText.Style = .plain) -> TerminalText? {
      guard let count = value?.integer else { return nil }
      return "\(name) \(MemberList.grouped(String(count)), count > 0 ? style : .plain)"
    }
    let counters = status["counters"]
    let invalid = counters?["invalidLines"].flatMap { ($0.integer ?? 0) > 0 ? $0 : nil }
    let parts = [
      part("created", counters?["created"]), part("existing", counters?["existing"]),
      part("failed", counters?["failed"], .yellow), part("invalid lines", invalid, .yellow),
      part("from cache", status["cache"]?["hits"]),
    ].compactMap { $0 }
    guard let first = parts.first else { return "" }
    return parts.dropFirst().reduce("since the start: " + first) { $0 + ", " + $1 }
  }
}
