import CertRegCodec
package import CertRegCore

/// The answer to `status` for people. Unknown members are shown as they are, missing ones are left out.
package struct StatusView {
  private let status: JSON
  private let targets: [JSON]
  private let now: WallTime

  /// - Parameters:
  ///   - status: The answer. Untrusted.
  ///   - targets: Names of the targets to show; empty: all.
  ///   - now: The time from which ages are counted.
  package init(_ status: JSON, targets: [String] = [], now: WallTime) {
    self.status = status
    let all = status["targets"]?.array ?? []
    self.targets =
      targets.isEmpty ? all : all.filter { target in target["name"]?.string.map(targets.contains) ?? false }
    self.now = now
  }

  /// The lines of the overview, tables fitted to `width`.
  package func lines(width: Int) -> [TerminalText] {
    var lines = [headline] + problems(width)
    if !targets.isEmpty {
      lines += ["", TerminalText("Targets", .bold)] + targetTable.lines(width: width, indentation: 2)
      lines += targetErrors(width)
    }
    let sections = (status.members ?? []).filter { !StatusView.headlineMembers.contains($0.name) }
    var flat: [JSON.Member] = []
    for section in sections {
      if case .object(let members) = section.value, section.name != "cache", section.name != "queue",
        section.name != "connections", section.name != "limits"
      {
        lines += ["", TerminalText(StatusView.title(section.name), .bold)]
        lines += MemberList(members).lines(width: width)
      } else {
        flat.append(JSON.Member(section.name, .string(summary(of: section))))
      }
    }
    if !flat.isEmpty {
      lines.insert(
        contentsOf: [""] + MemberList(flat).lines(width: width, indentation: 0), at: 1 + problems(width).count)
    }
    return lines
  }

  /// Problems of the daemon as a whole. Problems of a target are shown with the targets.
  func problems(_ width: Int) -> [TerminalText] {
    let ofTargets = (status["targets"]?.array ?? []).compactMap { $0["lastError"]?["reason"]?.string }
    return (status["problems"]?.array ?? []).flatMap { problem -> [TerminalText] in
      guard let message = problem["message"]?.string, !ofTargets.contains(problem["reason"]?.string ?? "") else {
        return []
      }
      return "! \(message)".printable.wrapped(to: max(20, width)).map { "\($0, .yellow)" }
    }
  }

  private static let headlineMembers: Set<String> = [
    "id", "version", "state", "uptimeSeconds", "startedAt", "pid", "targets", "sandbox", "problems",
  ]

  /// `certregd 1.0  running  up 3 d 4 h  since …  pid 812`
  private var headline: TerminalText {
    var line = briefHeadline
    if let start = status["startedAt"]?.string { line += "  since \(start)" }
    return line + pid
  }

  /// The headline without the time of the start.
  private var briefHeadline: TerminalText {
    var line: TerminalText = "\("certregd", .bold)"
    if let version = status["version"]?.string { line += " \(version)" }
    if let state = status["state"]?.string { line += "  \(state, StatusView.style(ofState: state))" }
    if status["sandbox"]?.bool == true { line += "  \("sandbox: nothing reaches AWS", .yellow)" }
    if let uptime = status["uptimeSeconds"]?.double { line += "  up \(StatusView.duration(seconds: uptime))" }
    return line
  }

  private var pid: TerminalText { status["pid"]?.integer.map { "  pid \($0)" } ?? "" }

  /// The first line of a live screen.
  package var liveHeadline: TerminalText { briefHeadline + pid }

  /// The colour of a state of the daemon or of a target.
  package static func style(ofState state: String) -> TerminalText.Style {
    switch state {
    case "ok", "running": .green
    case "throttled", "draining", "unknown", "starting", "reloading": .yellow
    default: .red
    }
  }

  /// The targets, a row each.
  package var targetTable: Table {
    Table(
      [
        .init("NAME", minimum: 8), .init("HEALTH"), .init("REGION"), .init("QUEUED", alignsRight: true),
        .init("IN FLIGHT", alignsRight: true), .init("RATE/S", alignsRight: true),
        .init("LAST SUCCESS", alignsRight: true), .init("ENDPOINT", minimum: 12, isOptional: true),
      ],
      rows: targets.map { target in
        let health = target["health"]?.string ?? "-"
        return [
          TerminalText(target["name"]?.string ?? "-"), TerminalText(health, StatusView.style(ofState: health)),
          TerminalText(target["region"]?.string ?? ""), number(target["queued"]), number(target["inFlight"]),
          number(target["ratePerSecond"]), age(target["lastSuccessAt"]),
          TerminalText(endpoint(of: target)),
        ]
      })
  }

  /// An endpoint without its usual scheme.
  private func endpoint(of target: JSON) -> String {
    let endpoint = target["endpoint"]?.string ?? ""
    return endpoint.hasPrefix("https://") ? String(endpoint.dropFirst(8)) : endpoint
  }

  func targetErrors(_ width: Int) -> [TerminalText] {
    targets.flatMap { target -> [TerminalText] in
      guard let error = target["lastError"].flatMap(AnswerError.init(json:)) else { return [] }
      let isOver = target["health"]?.string == "ok"
      let text =
        "\(target["name"]?.string ?? "-"): \(isOver ? "recovered from" : "last error"): "
        + "\(error.reason): \(error.message)"
      let style: TerminalText.Style = isOver ? .dim : .yellow
      let advice = isOver ? [] : Advice.about(error)?.wrapped(to: max(20, width - 6)) ?? []
      let lines = text.printable.wrapped(to: max(20, width - 4)).enumerated().map { index, line -> TerminalText in
        index == 0 ? "  \(line, style)" : "    \(line, style)"
      }
      return lines + advice.enumerated().map { $0.offset == 0 ? "    → \($0.element)" : "      \($0.element)" }
    }
  }

  private func number(_ value: JSON?) -> TerminalText {
    guard let value, !value.isNull else { return "" }
    if let whole = value.integer { return TerminalText(MemberList.grouped(String(whole))) }
    return TerminalText(value.double.map(StatusView.oneDecimal) ?? MemberList.text(value))
  }

  private func age(_ value: JSON?) -> TerminalText {
    guard let text = value?.string else { return "" }
    return StatusView.time(text).map { "\(age($0)) ago" } ?? TerminalText(text)
  }

  private func age(_ time: WallTime) -> String {
    StatusView.duration(seconds: Double((now - time).milliseconds) / 1000)
  }

  /// A section in one line.
  private func summary(of section: JSON.Member) -> String {
    let value = section.value
    func count(_ name: String) -> String { value[name].map { MemberList.text($0) } ?? "0" }
    switch section.name {
    case "cache" where value["entries"] != nil:
      var text = "\(count("entries")) entries, \(count("hits")) hits"
      if value["misses"] != nil { text += ", \(count("misses")) misses" }
      if let hits = value["hits"]?.double, let misses = value["misses"]?.double, hits + misses > 0 {
        text += " (\(StatusView.oneDecimal(hits / (hits + misses) * 100)) % hits)"
      }
      return text + others(value, ["entries", "hits", "misses"])
    case "queue" where value["entries"] != nil:
      var text = count("entries") + (value["maxEntries"] != nil ? " of \(count("maxEntries"))" : "")
      if let age = value["oldestAgeSeconds"]?.double { text += ", oldest \(StatusView.duration(seconds: age))" }
      return text + others(value, ["entries", "maxEntries", "oldestAgeSeconds"])
    case "connections" where value["open"] != nil:
      let limit = value["max"] != nil ? " of \(count("max"))" : ""
      return "\(count("open")) open\(limit)" + others(value, ["open", "max"])
    default:
      return MemberList.text(value)
    }
  }

  private func others(_ value: JSON, _ known: [String]) -> String {
    let rest = (value.members ?? []).filter { !known.contains($0.name) && !$0.value.isNull }
    return rest.isEmpty ? "" : ", " + MemberList.text(.object(rest))
  }

  private static func title(_ name: String) -> String {
    let label = MemberList.label(name)
    return label.prefix(1).uppercased() + label.dropFirst()
  }

  /// `4.2 s`, `3 min 20 s`, `2 d 4 h`: the two largest units.
  package static func duration(seconds: Double) -> String {
    guard seconds.isFinite, seconds < 1e12 else { return "-" }
    if seconds < 1 { return seconds <= 0 ? "0 s" : "\((seconds * 1000).wholeNumber ?? 0) ms" }
    let whole = seconds.rounded(.down).wholeNumber ?? 0
    switch whole {
    case ..<10: return "\(oneDecimal(seconds)) s"
    case ..<60: return "\(whole) s"
    case ..<3600: return "\(whole / 60) min \(whole % 60) s"
    case ..<86_400: return "\(whole / 3600) h \(whole / 60 % 60) min"
    default: return "\(whole / 86_400) d \(whole / 3600 % 24) h"
    }
  }

  /// `4 s`, `3 min`, `2 d`: the largest unit alone.
  package static func briefDuration(seconds: Double) -> String {
    guard seconds.isFinite, seconds < 1e12 else { return "-" }
    switch max(0, seconds).rounded(.down).wholeNumber ?? 0 {
    case let whole where whole < 60: return "\(whole) s"
    case let whole where whole < 3600: return "\(whole / 60) min"
    case let whole where whole < 86_400: return "\(whole / 3600) h"
    case let whole: return "\(whole / 86_400) d"
    }
  }

  /// `value` with one digit after the point.
  package static func oneDecimal(_ value: Double) -> String {
    guard value.isFinite, abs(value) < 1e15 else { return "-" }
    let tenths = (abs(value) * 10).wholeNumber ?? 0
    return (value < 0 && tenths > 0 ? "-" : "") + "\(tenths / 10).\(tenths % 10)"
  }

  /// Reads `2026-11-24T08:09:10.123Z` (RFC 3339 section 5.6, in UTC); `nil` for anything else.
  package static func time(_ text: String) -> WallTime? {
    let characters = Array(text.utf8)
    guard characters.count >= 20, characters.last == UInt8(ascii: "Z"), characters[10] == UInt8(ascii: "T") else {
      return nil
    }
    func field(_ range: Range<Int>) -> Int? { Int(String(decoding: characters[range], as: UTF8.self)) }
    guard let year = field(0..<4), let month = field(5..<7), let day = field(8..<10), let hour = field(11..<13),
      let minute = field(14..<16), let second = field(17..<19)
    else { return nil }
    let fraction = String(decoding: characters[19...].dropLast(), as: UTF8.self)
    let milliseconds = fraction.count == 4 ? Int64(fraction.dropFirst()) ?? 0 : 0
    return CivilTime.wallTime(year: year, month: month, day: day, hour: hour, minute: minute, second: second)
      + .milliseconds(milliseconds)
  }
}
