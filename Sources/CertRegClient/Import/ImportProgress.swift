import CertRegCodec
package import CertRegCore

/// The progress of an import, for people.
package struct ImportProgress {
  /// The share of the source that has been read, from 0 to 1; `nil`: not known.
  package var fraction: Double?
  /// Entries that have been read and have no outcome.
  package var pending = 0
  /// Of these, the entries that will be tried again, by reason.
  package var retrying: [String: Int] = [:]
  /// Entries that an earlier run has done.
  package var passedOver = 0
  /// The last answer to `status`: the targets' health and pace.
  package var daemon: JSON?
  /// Targets of this import; empty: the daemon's default target.
  package var targets: [String] = []
  private var counts: [String: Int] = [:]
  private var samples: [(time: MonotonicTime, done: Int)] = []

  package init() {}

  /// Entries with an outcome of this run.
  package var done: Int { counts.values.reduce(0, +) }

  /// Counts an outcome.
  package mutating func count(_ outcome: String, _ number: Int = 1) {
    counts[outcome, default: 0] += number
  }

  /// Records how many entries are done at `time`. The rate is taken over the last samples.
  package mutating func sample(at time: MonotonicTime) {
    if let last = samples.last, time - last.time < .seconds(1) { return }
    samples.append((time, done))
    if samples.count > 16 { samples.removeFirst() }
  }

  /// Outcomes a second; `nil` before there are two samples.
  package var ratePerSecond: Double? {
    guard let first = samples.first, let last = samples.last, last.time > first.time else { return nil }
    return Double(last.done - first.done) / (Double((last.time - first.time).milliseconds) / 1000)
  }

  /// The estimated number of entries of the whole source.
  private var total: Double? {
    guard let fraction, fraction > 0 else { return nil }
    return Double(done + passedOver + pending) / fraction
  }

  /// The share of the entries with an outcome.
  private var share: Double? {
    guard let total, total > 0 else { return fraction == nil ? nil : 0 }
    return min(1, Double(done + passedOver) / total)
  }

  /// Seconds until the end at this rate; `nil` where it cannot be estimated.
  package var secondsLeft: Double? {
    // A rate that is shown as 0.0 allows no estimate.
    guard let total, let rate = ratePerSecond, rate >= 0.05 else { return nil }
    return max(0, (total - Double(done + passedOver)) / rate)
  }

  /// Two or three lines: progress and rate, outcomes, and what slows the import down.
  ///
  ///     [######------------------]  25 %  1,250 of about 5,000  35.2/s  1 min 46 s left
  ///     1,240 created, 10 failed
  ///     eu: AWS IoT throttles, at 9.5 calls a second
  package func lines(width: Int) -> [TerminalText] {
    let notes = slowness
    return [headline(width), outcomes] + (notes.isEmpty ? [] : [TerminalText(notes.joined(separator: "; "), .yellow)])
  }

  private func headline(_ width: Int) -> TerminalText {
    var line = TerminalText()
    if let share {
      let cells = width >= 140 ? 60 : width >= 76 ? 20 : 0
      let full = (share * Double(cells)).rounded(.down).wholeNumber ?? 0
      if cells > 0 {
        line += "[\(String(repeating: "#", count: full), .green)\(String(repeating: "-", count: cells - full), .dim)] "
      }
      line += TerminalText("\((share * 100).rounded(.down).wholeNumber ?? 0) %").paddedLeft(to: 5) + "  "
    }
    line += "\(grouped(done + passedOver))"
    if let total {
      let isExact = fraction == 1
      let shown = isExact ? total.wholeNumber : ImportProgress.rounded(total)
      line += " of \(isExact ? "" : "about ")\(shown.map(grouped) ?? "-")"
    }
    if let rate = ratePerSecond { line += "  \(StatusView.oneDecimal(rate))/s" }
    if let left = secondsLeft, left >= 1 { line += "  \(ImportProgress.roundedDuration(left)) left" }
    return line
  }

  private var outcomes: TerminalText {
    let others = counts.keys.filter { !Tally.order.contains($0) && $0 != "failed" }.sorted()
    var parts = (Tally.order + others).compactMap { outcome in
      counts[outcome].map { TerminalText("\(grouped($0)) \(outcome)") }
    }
    if let failed = counts["failed"] { parts.append(TerminalText("\(grouped(failed)) failed", .red)) }
    if passedOver > 0 { parts.append(TerminalText("\(grouped(passedOver)) done before", .dim)) }
    guard let first = parts.first else { return "nothing answered yet" }
    return parts.dropFirst().reduce(first) { $0 + ", " + $1 }
  }

  /// What slows each target down, and what will be tried again.
  private var slowness: [String] {
    var notes = (daemon?["targets"]?.array ?? []).filter(isMine).compactMap(ImportProgress.slowness)
    let reasons = retrying.sorted { ($1.value, $0.key) < ($0.value, $1.key) }.prefix(2)
    if !reasons.isEmpty {
      notes.append("to be tried again: " + reasons.map { "\(grouped($0.value)) \($0.key)" }.joined(separator: ", "))
    }
    return notes
  }

  private func isMine(_ target: JSON) -> Bool {
    targets.isEmpty ? target["default"]?.bool != false : target["name"]?.string.map(targets.contains) ?? true
  }

  private static func slowness(of target: JSON) -> String? {
    let name = target["name"]?.string ?? "target"
    let rate = target["ratePerSecond"]?.double.map { "\(StatusView.oneDecimal($0)) calls a second" }
    let cause = target["lastError"]?["reason"]?.string.map { " (\($0))" } ?? ""
    switch (target["health"]?.string, rate) {
    case ("throttled", let rate): return "\(name): AWS IoT throttles" + (rate.map { ", at \($0)" } ?? "")
    case ("unavailable", _): return "\(name): AWS IoT does not answer\(cause)"
    case ("unauthorized", _): return "\(name): no access to AWS IoT\(cause)"
    case ("ok", let rate?) where (target["queued"]?.integer ?? 0) > 0:
      let throttles = target["throttles"]?.integer ?? 0
      let past = throttles > 0 ? "; AWS IoT throttled \(MemberList.grouped(String(throttles))) before" : ""
      return "\(name): certregd keeps to \(rate)\(past)"
    default: return nil
    }
  }

  private func grouped(_ number: Int) -> String {
    MemberList.grouped(String(number))
  }

  /// An estimate with two significant digits.
  private static func rounded(_ number: Double) -> Int? {
    var unit = 1.0
    while number / unit >= 100, unit < 1e9 { unit *= 10 }
    return ((number / unit).rounded() * unit).wholeNumber
  }

  /// A duration without digits that change too fast to be read.
  private static func roundedDuration(_ seconds: Double) -> String {
    switch seconds {
    case ..<60: "\(seconds.wholeNumber ?? 0) s"
    case ..<600: StatusView.duration(seconds: (seconds / 5).rounded() * 5)
    default: StatusView.duration(seconds: (seconds / 60).rounded() * 60)
    }
  }
}
