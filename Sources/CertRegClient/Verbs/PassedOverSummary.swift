import CertRegCodec

/// Collects what was passed over, to name and count it: `3 passed over: README.txt (text), ca.crt (a CA certificate)`.
struct PassedOverSummary {
  /// Entries that are named one by one. A folder with thousands of other files would drown the results.
  private static let maximumNamed = 8

  private var named: [String] = []
  private var counts: [OtherContent: Int] = [:]
  private var unnamed: [OtherContent: Int] = [:]

  /// The number of entries.
  var total: Int { counts.values.reduce(0, +) }

  /// Adds an entry.
  mutating func add(_ place: String, _ other: OtherContent) {
    counts[other, default: 0] += 1
    if named.count < PassedOverSummary.maximumNamed {
      named.append("\(place.split(separator: "/").last ?? "-") (\(other.name))")
    } else {
      unnamed[other, default: 0] += 1
    }
  }

  /// The summary; `nil` where nothing was passed over.
  var text: TerminalText? {
    guard total > 0 else { return nil }
    let rest = unnamed.sorted { ($1.value, $0.key.rawValue) < ($0.value, $1.key.rawValue) }
      .map { "\(MemberList.grouped(String($0.value))) more (\($0.key.name))" }
    return "\(MemberList.grouped(String(total))) passed over: \((named + rest).joined(separator: ", "))"
  }

  /// What to do where nothing else was found.
  var advices: [String] { counts.keys.sorted { $0.rawValue < $1.rawValue }.compactMap(\.advice) }

  /// The line for programs.
  static func line(_ place: String, _ other: OtherContent) -> JSON {
    .object([
      JSON.Member("outcome", .string("passed_over")), JSON.Member("reason", .string(other.rawValue)),
      JSON.Member("message", .string(other.name)), JSON.Member("file", .string(place)),
    ])
  }
}
