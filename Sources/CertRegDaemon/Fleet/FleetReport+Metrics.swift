import CertRegCore

extension Exposition {
  /// The metrics of the fleet that the host belongs to.
  mutating func fleet(_ fleet: FleetReport) {
    single(
      "certregd_fleet_connected", "gauge",
      "1 while the host is a member of its fleet, 0 while it works alone; absent without a fleet.",
      fleet.isConnected ? 1 : 0)
    family("certregd_fleet_members", "gauge", "Members of the fleet, this one included, by state: here or gone.")
    for (state, isGone) in [("here", false), ("gone", true)] {
      sample(
        "certregd_fleet_members", [("state", state)], Double(fleet.members.count { $0.isGone == isGone }))
    }
    family(
      "certregd_fleet_share_calls_per_second", "gauge",
      "Registrations a second that this member may ask the upstream for, by target.")
    for share in fleet.members.first(where: { $0.name == fleet.member })?.shares ?? [] {
      sample(
        "certregd_fleet_share_calls_per_second", [("target", share.target.rawValue)], share.callsPerSecond)
    }
    family(
      "certregd_fleet_exchange_duration_seconds", "histogram",
      "Time of an exchange with the fleet's database that succeeded.")
    histogram("certregd_fleet_exchange_duration_seconds", [], fleet.figures.exchangeTimes)
    single(
      "certregd_fleet_exchange_failures_total", "counter", "Exchanges with the fleet's database that failed.",
      Double(fleet.figures.failedExchanges))
    single(
      "certregd_fleet_untold_results", "gauge", "Results in memory that the fleet's database has not been told yet.",
      Double(fleet.untold))
  }
}
