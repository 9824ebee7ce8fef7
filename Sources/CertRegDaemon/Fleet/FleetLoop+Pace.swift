import CertRegCore
import Glibc

// The rates that all hosts have in common.
extension FleetLoop {
  /// Calls a second that a host wants for a job that waits: it would like it to end at once, and more may follow.
  private static let callsOfJob = 10.0

  /// What this host wanted of each lane at the last exchange.
  struct Want {
    var callsPerSecond = 0.0
    var at: MonotonicTime
  }

  func lanes(of targets: [TargetName]) -> [FleetLane.Report] {
    var reports: [FleetLane.Report] = []
    let now = parts.clock.monotonic
    for name in targets {
      guard let text = parts.known.fleetTarget(of: name)?.text else { continue }
      for pace in engine?.takePaces(of: name) ?? [] {
        let id = FleetLane.ID(target: text, operation: pace.operation.rawValue)
        guard pace.rate.callsPerSecond != nil || member.knowsLane(id) else { continue }
        // A caller that asks for one after the other has work also between two requests.
        let want = max(Double(pace.waiting) * Self.callsOfJob, rest(of: id, rate: pace.rate, now: now))
        wants[id] = Want(callsPerSecond: want < 1 ? 0 : want, at: now)
        reports.append(
          member.report(
            of: id, want: want < 1 ? 0 : want, rate: pace.rate, hasLearnt: pace.isNews, throttles: pace.throttles))
      }
    }
    return reports
  }

  /// What is left of the last want: half of it after a quarter of a second. More than the rate is no use to anybody.
  private func rest(of id: FleetLane.ID, rate: FleetLane.Rate, now: MonotonicTime) -> Double {
    guard let last = wants[id] else { return 0 }
    let quarters = Double((now - last.at).milliseconds) / 250
    return min(last.callsPerSecond, rate.callsPerSecond ?? .infinity) * exp2(-quarters)
  }

  /// What was to be told of rates did not get through.
  func paceIsUntold(_ lanes: [FleetLane.Report]) {
    for lane in lanes where lane.learnt != nil {
      guard let target = FleetTarget(text: lane.id.target),
        let operation = UpstreamOperation(rawValue: lane.id.operation)
      else { continue }
      engine?.paceIsUntold(of: operation, target: target.name)
    }
  }

  func pace(_ id: FleetLane.ID, _ order: FleetMember.PaceOrder) {
    guard let target = FleetTarget(text: id.target), let operation = UpstreamOperation(rawValue: id.operation),
      // The target may have been removed since, or point elsewhere.
      parts.known.fleetTarget(of: target.name) == target
    else { return }
    if order.learnt != nil || order.endsRise { engine?.learn(order, of: operation, target: target.name) }
    let share = order.share.map { PaceShare(part: $0, probing: order.probing) }
    guard shares[id] != share else { return }
    shares[id] = share
    engine?.shareChanged(of: target.name)
  }

  /// This host's share of an operation's rate; `nil`: all of it.
  func share(of operation: UpstreamOperation, target: TargetName) -> PaceShare? {
    guard let text = parts.known.fleetTarget(of: target)?.text else { return nil }
    if let share = shares[FleetLane.ID(target: text, operation: operation.rawValue)] { return share }
    // The first calls of an operation do not wait until the others have heard of it: each member takes an equal part.
    let count = member.membersAtWork
    return count > 1 ? PaceShare(part: 1 / Double(count), probing: .nobody) : nil
  }
}
