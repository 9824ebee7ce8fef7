import CertRegCore

// The rates that all hosts have in common.
extension FleetLoop {
  /// Calls a second that a host wants for a job that waits: it would like it to end at once, and more may follow.
  private static let callsOfJob = 10.0

  func lanes(of targets: [TargetName]) -> [FleetLane.Report] {
    var reports: [FleetLane.Report] = []
    for name in targets {
      guard let text = parts.known.fleetTarget(of: name)?.text else { continue }
      for pace in engine?.takePaces(of: name) ?? [] {
        let id = FleetLane.ID(target: text, operation: pace.operation.rawValue)
        guard pace.rate.callsPerSecond != nil || member.knowsLane(id) else { continue }
        // A caller that asks for one after the other has work also between two requests.
        let want = max(Double(pace.waiting) * Self.callsOfJob, (wants[id] ?? 0) * 0.6)
        wants[id] = want < 1 ? 0 : want
        reports.append(
          member.report(
            of: id, want: wants[id] ?? 0, rate: pace.rate, hasLearnt: pace.isNews, throttles: pace.throttles))
      }
    }
    return reports
  }

  func pace(_ id: FleetLane.ID, _ order: FleetMember.PaceOrder) {
    guard let target = FleetTarget(text: id.target), let operation = UpstreamOperation(rawValue: id.operation) else {
      return
    }
    if order.learnt != nil || order.endsRise { engine?.learn(order, of: operation, target: target.name) }
    let share = order.share.map { PaceShare(part: $0, probing: order.probing) }
    guard shares[id] != share else { return }
    shares[id] = share
    engine?.shareChanged(of: target.name)
  }

  /// This host's share of an operation's rate; `nil`: all of it.
  func share(of operation: UpstreamOperation, target: TargetName) -> PaceShare? {
    guard let text = parts.known.fleetTarget(of: target)?.text else { return nil }
    return shares[FleetLane.ID(target: text, operation: operation.rawValue)]
  }
}
