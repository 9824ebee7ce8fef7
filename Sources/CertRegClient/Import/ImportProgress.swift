package import CertRegCore

/// How far an import is, in one line.
package struct ImportProgress {
  /// Share of the source that has been read, from 0 to 1; `nil`: not known.
  package var fraction: Double?
  /// Entries with an outcome of this run.
  package var done = 0
  /// Entries that an earlier run had done.
  package var passedOver = 0
  package var failed = 0
  /// What the daemon says about itself: its targets' health and queue.
  package var daemon: JSON?
  private var samples: [(time: MonotonicTime, done: Int)] = []

  package init() {}

  /// Notes how many are done by now; the rate is that of the last samples.
  package mutating func sample(at time: MonotonicTime) {
    if let last = samples.last, time - last.time < .seconds(1) { return }
    samples.append((time, done))
    if samples.count > 16 { samples.removeFirst() }
  }

  /// Outcomes a second; `nil` until there is something to measure.
  package var ratePerSecond: Double? {
    guard let first = samples.first, let last = samples.last, last.time > first.time else { return nil }
    return Double(last.done - first.done) / (Double((last.time - first.time).milliseconds) / 1000)
  }

  /// Seconds until the end at this rate; `nil` where nothing says.
  package var secondsLeft: Double? {
    guard let fraction, fraction > 0, done > 0, let rate = ratePerSecond, rate > 0 else { return nil }
    return Double(done + passedOver) / fraction * (1 - fraction) / rate
  }

  /// `[#####-----]  48 %  1,234 done  35.2/s  41 s left  2 failed  default throttled to 9.5/s`
  package func line(width: Int) -> TerminalText {
    var line = TerminalText()
    if let fraction {
      let cells = width >= 100 ? 24 : width >= 60 ? 12 : 0
      let full = Int((fraction * Double(cells)).rounded(.down))
      if cells > 0 {
        line += "[\(String(repeating: "#", count: full), .green)\(String(repeating: "-", count: cells - full), .dim)] "
      }
      line += "\(Int((fraction * 100).rounded(.down))) %  "
    }
    line += "\(MemberList.grouped(String(done))) done"
    if let rate = ratePerSecond { line += "  \(StatusView.oneDecimal(rate))/s" }
    if let left = secondsLeft { line += "  \(StatusView.duration(seconds: left)) left" }
    if failed > 0 { line += "  \("\(MemberList.grouped(String(failed))) failed", .red)" }
    for note in daemonNotes { line += "  \(note, .yellow)" }
    return line
  }

  /// What holds the daemon up, target by target.
  private var daemonNotes: [String] {
    (daemon?["targets"]?.array ?? []).compactMap { target in
      guard let health = target["health"]?.string, health != "ok", health != "unknown" else { return nil }
      let name = target["name"]?.string ?? "target"
      let rate = target["ratePerSecond"]?.double.map { " to \(StatusView.oneDecimal($0))/s" } ?? ""
      return "\(name) \(health)\(health == "throttled" ? rate : "")"
    }
  }
}
