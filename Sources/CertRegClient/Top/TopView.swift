package import CertRegCore

/// One frame of `certregctl top`: what changed between two answers to `status`, and how things stand.
package struct TopView {
  /// One answer to `status` with when it came.
  package struct Sample: Sendable {
    package var time: MonotonicTime
    package var status: JSON

    package init(time: MonotonicTime, status: JSON) {
      self.time = time
      self.status = status
    }
  }

  /// The counters whose rates are drawn as a line of bars, most telling first.
  private static let drawnCounters = ["upstreamCalls", "lines"]

  private var samples: [Sample] = []
  /// Means and high quantiles of what the daemon measures, from its metrics.
  private var latencies: [LatencyReading] = []
  private var previousMetrics: [String: Double] = [:]
  private let historyLength: Int

  package init(historyLength: Int = 120) {
    self.historyLength = historyLength
  }

  /// Takes in an answer to `status`.
  package mutating func add(_ sample: Sample) {
    samples.append(sample)
    if samples.count > historyLength { samples.removeFirst() }
  }

  /// Takes in the text of `metrics`; latencies are those of the time since the last text.
  package mutating func add(metrics text: String) {
    let current = Exposition.values(text)
    latencies = LatencyReading.readings(current: current, previous: previousMetrics)
    previousMetrics = current
  }

  /// The frame's lines: as many as `size` has rows, none wider than its columns.
  package func lines(size: TerminalSize, now: WallTime) -> [TerminalText] {
    guard let last = samples.last else { return [] }
    let view = StatusView(last.status, now: now)
    var lines = [view.headline, ""]
    lines += bars(width: size.columns)
    lines += [summary(last.status), ""]
    lines += view.targetTable.lines(width: size.columns) + view.targetErrors(size.columns)
    lines += [""] + counterTable.lines(width: size.columns)
    lines += latencies.map { $0.line }
    let room = max(1, size.rows - 1)
    if lines.count > room { lines = Array(lines.prefix(room)) }
    lines += Array(repeating: "", count: room - lines.count)
    lines.append("\("q ends", .dim)")
    return lines.map { $0.truncated(to: size.columns) }
  }

  /// Queue, cache and connections in one line.
  private func summary(_ status: JSON) -> TerminalText {
    var parts: [String] = []
    if let queue = status["queue"]?["entries"] {
      let oldest = status["queue"]?["oldestAgeSeconds"]?.double.map { ", oldest \(StatusView.duration(seconds: $0))" }
      parts.append("queue \(MemberList.text(queue))\(oldest ?? "")")
    }
    if let cache = status["cache"]?["entries"] { parts.append("cache \(MemberList.text(cache))") }
    if let open = status["connections"]?["open"] { parts.append("connections \(MemberList.text(open))") }
    return TerminalText(parts.joined(separator: "   "))
  }

  /// The history of the counter that says most, a column a sample.
  private func bars(width: Int) -> [TerminalText] {
    let counters = samples.last?.status["counters"]
    guard let name = TopView.drawnCounters.first(where: { (counters?[$0]?.integer ?? 0) > 0 }) else { return [] }
    let rates = rates(of: name).suffix(max(1, width - 24))
    guard let highest = rates.max(), let latest = rates.last else { return [] }
    let blocks = Array("▁▂▃▄▅▆▇█")
    let line = rates.map { rate in
      highest > 0 ? blocks[min(7, Int(rate / highest * 7.999))] : blocks[0]
    }
    let label = "\(MemberList.label(name)) \(StatusView.oneDecimal(latest))/s"
    return ["\(TerminalText(label, .bold).padded(to: 22))  \(String(line), .cyan)"]
  }

  /// Change a second of a counter from sample to sample. A counter that went back began anew: that sample counts as none.
  package func rates(of counter: String) -> [Double] {
    zip(samples, samples.dropFirst()).map { earlier, later in
      let seconds = Double((later.time - earlier.time).milliseconds) / 1000
      guard seconds > 0, let before = earlier.status["counters"]?[counter]?.double,
        let after = later.status["counters"]?[counter]?.double, after >= before
      else { return 0 }
      return (after - before) / seconds
    }
  }

  private var counterTable: Table {
    let members = (samples.last?.status["counters"]?.members ?? []).filter { $0.value.double != nil }
    return Table(
      [.init("COUNTER"), .init("TOTAL", alignsRight: true), .init("A SECOND", alignsRight: true)],
      rows: members.map { member in
        let rate = rates(of: member.name).last ?? 0
        return [
          TerminalText(MemberList.label(member.name)), TerminalText(MemberList.text(member.value)),
          TerminalText(StatusView.oneDecimal(rate), rate > 0 ? .green : .dim),
        ]
      })
  }
}

/// The text exposition format of Prometheus, as far as numbers go.
enum Exposition {
  /// Every sample by its name with labels.
  static func values(_ text: String) -> [String: Double] {
    var values: [String: Double] = [:]
    for line in text.split(separator: "\n") where !line.hasPrefix("#") {
      guard let space = line.lastIndex(of: " "), let value = Double(line[line.index(after: space)...]) else { continue }
      values[String(line[..<space])] = value
    }
    return values
  }
}

/// What a histogram or summary of seconds measured between two readings.
struct LatencyReading: Hashable {
  var name: String
  var count: Double
  var meanSeconds: Double

  /// Reads the pairs `NAME_seconds_sum` and `NAME_seconds_count`; those without a new measurement are left out.
  static func readings(current: [String: Double], previous: [String: Double]) -> [LatencyReading] {
    current.keys.filter { $0.contains("_seconds_count") }.sorted().compactMap { key in
      let sumKey = key.replacing("_seconds_count", with: "_seconds_sum")
      guard let count = current[key], let sum = current[sumKey] else { return nil }
      let newCount = count - (previous[key] ?? 0)
      guard newCount > 0 else { return nil }
      let name = key.replacing("_seconds_count", with: "").replacing("certregd_", with: "")
      return LatencyReading(
        name: name, count: newCount, meanSeconds: (sum - (previous[sumKey] ?? 0)) / newCount)
    }
  }

  var line: TerminalText {
    "\(name): mean \(StatusView.duration(seconds: meanSeconds)) of \(MemberList.grouped(String(Int(count))))"
  }
}
