import CertRegCore

// The rates that all hosts have in common.
extension FleetLoop {
  func lanes(of targets: [TargetName]) -> [FleetLane.Report] {
    var reports: [FleetLane.Report] = []
    let now = parts.clock.monotonic
    for name in targets {
      guard let text = parts.known.fleetTarget(of: name)?.text else { continue }
      for pace in engine?.takePaces(of: name) ?? [] {
        let id = FleetLane.ID(target: text, operation: pace.operation.rawValue)
        guard pace.rate.callsPerSecond != nil || member.knowsLane(id) else { continue }
        demands[id, default: LaneDemand()].note(waiting: pace.waiting, rate: pace.rate.callsPerSecond, now: now)
        let want = demands[id]?.callsPerSecond ?? 0
        reports.append(
          member.report(
            of: id, want: want, rate: pace.rate, hasLearnt: pace.isNews, throttles: pace.throttles))
      }
    }
    return reports
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
