@testable import CertRegCore

/// What the statements of a full exchange do with a lane.
struct FleetLaneModel {
  private(set) var rate: FleetLane.Rate?
  private var version: Int64 = 0
  /// In the order of the members' names.
  private var parts: [FleetLane.Part] = []

  mutating func exchange(_ report: FleetLane.Report, by name: String) -> FleetLane.State {
    var rate = rate ?? report.first
    if version == 0 { version = 1 }
    if let learnt = report.learnt, report.version == version {
      rate = learnt
      version += 1
    }
    self.rate = rate
    guard report.isNews else { return FleetLane.State(id: report.id, rate: rate, version: version, parts: parts) }
    let others = parts.reduce(0) { $1.member == name ? $0 : $0 + $1.share }
    let part = FleetLane.Part(
      member: name, want: report.want, share: min(report.share, max(0, 1 - others)), throttles: report.throttles)
    if let place = parts.firstIndex(where: { $0.member >= name }) {
      if parts[place].member == name { parts[place] = part } else { parts.insert(part, at: place) }
    } else {
      parts.append(part)
    }
    return FleetLane.State(id: report.id, rate: rate, version: version, parts: parts)
  }
}
