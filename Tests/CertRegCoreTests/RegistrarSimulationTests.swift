import CertRegCore
import Foundation
import Testing

@Suite struct RegistrarSimulationTests {
  private static let steps = 300

  /// `CERTREG_SIMULATION_SEEDS=10000` runs more; `CERTREG_SIMULATION_SEED=n` repeats one. With
  /// `SWIFT_DETERMINISTIC_HASHING=1` a seed brings the same run in each process.
  @Test func `no sequence of faults breaks a promise`() async {
    let environment = ProcessInfo.processInfo.environment
    let count = environment["CERTREG_SIMULATION_SEEDS"].flatMap(UInt64.init) ?? 500
    let only = environment["CERTREG_SIMULATION_SEED"].flatMap(UInt64.init)
    let seeds = only.map { $0..<($0 + 1) } ?? 1..<(count + 1)
    var reached: [RegistrarSimulation.Event: Int] = [:]
    for seed in seeds {
      var simulation = RegistrarSimulation(seed: seed)
      simulation.run(steps: Self.steps)
      reached.merge(simulation.reached, uniquingKeysWith: +)
      let failure = simulation.firstFailure.map { ", step \($0.step): \($0.violation)" } ?? ""
      #expect(Set(simulation.violations) == [], "seed \(seed)\(failure)")
      // Tests that run at the same time have time limits.
      await Task.yield()
    }
    let counts = RegistrarSimulation.Event.allCases.map { "\(reached[$0] ?? 0) × \($0)" }
    print("simulation: \(seeds.count) seeds, \(counts.joined(separator: ", "))")
    guard seeds.count >= 500 else { return }
    for event in RegistrarSimulation.Event.allCases { #expect(reached[event] ?? 0 > 0, "\(event) is never reached") }
  }

  @Test(arguments: RegistrarSimulation.Mutant.allCases)
  func `a registrar that is broken on purpose is caught`(mutant: RegistrarSimulation.Mutant) {
    let isCaught = (1...300 as ClosedRange<UInt64>).contains { seed in
      var simulation = RegistrarSimulation(seed: seed, mutant: mutant)
      simulation.run(steps: Self.steps)
      return simulation.violations.contains(where: mutant.isShown)
    }
    #expect(isCaught)
  }
}
