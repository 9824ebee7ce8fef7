import CertRegCore
import Foundation
import Testing

@Suite struct RegistrarSimulationTests {
  /// `CERTREG_SIMULATION_SEEDS=10000` runs more; `CERTREG_SIMULATION_SEED=n` repeats one.
  @Test func `no sequence of faults breaks a promise`() async {
    let environment = ProcessInfo.processInfo.environment
    let count = environment["CERTREG_SIMULATION_SEEDS"].flatMap(UInt64.init) ?? 500
    let first = environment["CERTREG_SIMULATION_SEED"].flatMap(UInt64.init)
    let seeds = first.map { $0..<($0 + 1) } ?? 1..<(count + 1)
    var answered = 0
    var crashes = 0
    for seed in seeds {
      var simulation = RegistrarSimulation(seed: seed)
      simulation.run(steps: 400)
      answered += simulation.answered
      crashes += simulation.crashes
      #expect(simulation.violations.isEmpty, "seed \(seed)")
      // Tests beside it have time limits to keep.
      await Task.yield()
    }
    print("simulation: \(seeds.count) seeds, \(answered) answers, \(crashes) crashes")
    #expect(answered > 0)
  }

  @Test(arguments: RegistrarSimulation.Mutant.allCases)
  func `a registrar that is broken on purpose is caught`(mutant: RegistrarSimulation.Mutant) {
    let isCaught = (1...50 as ClosedRange<UInt64>).contains { seed in
      var simulation = RegistrarSimulation(seed: seed, mutant: mutant)
      simulation.run(steps: 400)
      return !simulation.violations.isEmpty
    }
    #expect(isCaught)
  }
}
