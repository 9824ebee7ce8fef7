import CertRegCore
import Foundation
import Testing

@Suite struct FleetSimulationTests {
  /// `CERTREG_SIMULATION_SEEDS=10000` runs more, with up to 20 hosts; `CERTREG_SIMULATION_SEED=n` repeats one. With
  /// `SWIFT_DETERMINISTIC_HASHING=1` a seed brings the same run in each process.
  @Test func `no fault of hosts, network or database breaks a promise of the fleet`() async {
    let environment = ProcessInfo.processInfo.environment
    let count = environment["CERTREG_SIMULATION_SEEDS"].flatMap(UInt64.init) ?? 100
    let only = environment["CERTREG_SIMULATION_SEED"].flatMap(UInt64.init)
    let seeds = only.map { $0..<($0 + 1) } ?? 1..<(count + 1)
    var reached: [FleetSimulation.Event: Int] = [:]
    var events = 0
    for seed in seeds {
      let hosts = seed % 50 == 0 ? 20 : seed % 10 == 0 ? 8 : 2 + Int(seed % 3)
      let simulation = FleetSimulation(seed: seed, hosts: hosts, isTraced: only != nil)
      simulation.run()
      reached.merge(simulation.reached, uniquingKeysWith: +)
      events += simulation.events
      #expect(Set(simulation.violations) == [], "seed \(seed)")
      // Tests that run at the same time have time limits.
      await Task.yield()
    }
    let counts = FleetSimulation.Event.allCases.map { "\(reached[$0] ?? 0) × \($0)" }
    print("fleet simulation: \(seeds.count) seeds, \(events) events, \(counts.joined(separator: ", "))")
    guard seeds.count >= 100 else { return }
    for event in FleetSimulation.Event.allCases { #expect(reached[event] ?? 0 > 0, "\(event) is never reached") }
  }
}
