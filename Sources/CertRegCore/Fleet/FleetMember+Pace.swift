// The rate that all members have in common.
extension FleetMember {
  /// Members take turns of this length in trying more than the rate, each at the beginning of its turn, so that all
  /// together do not try more often than one alone. In microseconds.
  private static let probeTurn: Int64 = 6_000_000
  private static let probeTime: Int64 = 1_500_000

  /// This member's part of a lane, for the next exchange.
  ///
  /// - Parameters:
  ///   - id: The lane.
  ///   - want: Calls a second that this member has work for.
  ///   - rate: Its own idea of the rate.
  ///   - hasLearnt: Whether that comes from its own calls.
  ///   - throttles: How many of its calls were throttled.
  package func report(
    of id: FleetLane.ID, want: Double, rate: FleetLane.Rate, hasLearnt: Bool, throttles: Int
  ) -> FleetLane.Report {
    let state = lanes[id]
    let known = state?.rate.callsPerSecond ?? rate.callsPerSecond ?? 1
    var report = FleetLane.Report(
      id: id, want: want, share: goal(in: state, want: want, rate: known), throttles: throttles,
      learnt: hasLearnt ? rate : nil,
      version: state?.version ?? 0, first: rate)
    let told = toldLanes?.contains(id) == true ? state?.parts.first { $0.member == name } : nil
    report.isNews = hasLearnt || told.map { !Self.isSame(report, as: $0, rate: known) } ?? true
    return report
  }

  /// Whether nobody would do anything else for hearing of a report. What a member wants beyond its part is no matter to
  /// the others, and the parts have errors of rounding.
  private static func isSame(_ report: FleetLane.Report, as told: FleetLane.Part, rate: Double) -> Bool {
    let useful = 2 * report.share * rate
    return report.throttles == told.throttles && (report.share - told.share).magnitude <= 1e-6 * report.share
      && min(report.want, useful) == min(told.want, useful) && (report.want > 0) == (told.want > 0)
  }

  /// Whether the database may have this member's part of other lanes than these.
  package func hasOtherShares(than lanes: [FleetLane.Report]) -> Bool {
    toldLanes.map { !$0.isSubset(of: lanes.map(\.id)) } ?? true
  }

  /// Whether others have said something of a lane.
  package func knowsLane(_ id: FleetLane.ID) -> Bool { lanes[id] != nil }

  private func goal(in state: FleetLane.State?, want: Double, rate: Double) -> Double {
    var wants = (state?.parts ?? []).filter { $0.member != name }.map(\.want)
    wants.append(want)
    let told = Set(state?.parts.map(\.member) ?? [])
    let missing = members.filter { !$0.isGone && $0.name != name && !told.contains($0.name) }
    // Members without a word about this lane have no work for it.
    if wants.allSatisfy({ $0 <= 0 }) { return 1 / Double(max(1, wants.count + missing.count)) }
    return FleetLane.share(of: wants.count - 1, wants: wants, rate: rate)
  }

  mutating func takeLanes(_ batch: FleetBatch, _ reply: FleetReply) {
    // The database has lost the others: they are told as new ones.
    let present = Set(reply.lanes.map(\.id))
    for report in batch.lanes where !present.contains(report.id) { lanes[report.id] = nil }
    let reports = Dictionary(batch.lanes.map { ($0.id, $0) }) { first, _ in first }
    // A lane that was not asked about is of no target of this member.
    for state in reply.lanes {
      guard let report = reports[state.id] else { continue }
      let before = lanes[state.id]
      lanes[state.id] = state
      let isOwn = report.learnt == state.rate
      let isNews = state.version != before?.version ?? 0
      let isThrottled = before.map { othersThrottles(state) > othersThrottles($0) } ?? false
      order(state, learnt: isNews && !isOwn ? state.rate : nil, endsRise: isThrottled, time: reply.time)
    }
  }

  private func othersThrottles(_ state: FleetLane.State) -> Int {
    state.parts.reduce(0) { $1.member == name ? $0 : $0 &+ $1.throttles }
  }

  private mutating func order(
    _ state: FleetLane.State, learnt: FleetLane.Rate?, endsRise: Bool, time: Int64
  ) {
    let own = state.parts.first { $0.member == name }
    let working = state.parts.filter { $0.want > 0 }.map(\.member).sorted()
    let turn = working.isEmpty ? nil : working[Int(max(0, time) / Self.probeTurn % Int64(working.count))]
    let isTime = time % Self.probeTurn < Self.probeTime
    let probing: PaceShare.Probing = !isTime || turn == nil ? .nobody : turn == name ? .thisHost : .anotherHost
    actions.append(
      .pace(
        state.id, PaceOrder(share: own?.share, probing: probing, learnt: learnt, endsRise: endsRise)
      ))
  }

  /// The connection is lost: the last share holds, and never less than that of a member among those it knew. It rises
  /// no further, since nobody would hear of it.
  mutating func rest() {
    for (id, state) in lanes {
      let least = 1 / Double(max(1, state.parts.count))
      let share = max(least, state.parts.first { $0.member == name }?.share ?? 0)
      actions.append(.pace(id, PaceOrder(share: share, probing: .nobody, learnt: nil, endsRise: true)))
    }
  }

  /// The shares that were told last, for `status`: by member, calls a second by target.
  package func shares(of member: String) -> [(id: FleetLane.ID, callsPerSecond: Double)] {
    lanes.values.compactMap { state in
      guard let part = state.parts.first(where: { $0.member == member }), let rate = state.rate.callsPerSecond else {
        return nil
      }
      return (state.id, part.share * rate)
    }
  }
}
