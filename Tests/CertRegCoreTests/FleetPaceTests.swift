import CertRegTesting
import Foundation
import Testing

@testable import CertRegCore

/// The pace that hosts of one account have in common.
@Suite struct FleetPaceTests {
  @Test(arguments: [2, 3, 10]) func `hosts with work keep to the quota and share it equally`(count: Int) {
    var random = SplitMix64.announced("fleet pace")
    for _ in 0..<2 {
      var simulation = FleetPaceSimulation(hosts: count, quota: 10, burst: 10, seed: random.next())
      simulation.run(seconds: 2)
      for host in 0..<count { simulation.setBacklog(300 / count, of: host) }
      simulation.run(seconds: 29.9)
      let calls = simulation.hosts.map(\.calls)
      // 300 at most; the throttles are those of the calls that try more, and what follows from one that was taken by
      // chance.
      #expect(calls.reduce(0, +) >= 200 && simulation.throttled <= 30, "\(calls), \(simulation.throttled)")
      let mean = Double(calls.reduce(0, +)) / Double(count)
      #expect(calls.allSatisfy { abs(Double($0) - mean) <= 0.15 * mean }, "\(calls)")
    }
  }

  @Test func `a host that cannot hear the others tries no more than its share`() throws {
    var random = SplitMix64.announced("fleet pace")
    for _ in 0..<4 {
      var simulation = FleetPaceSimulation(hosts: 3, quota: 10, burst: 10, seed: random.next())
      for host in 0..<3 { simulation.setBacklog(nil, of: host) }
      simulation.run(seconds: 6)
      simulation.quota = 500
      while !simulation.isRising, simulation.time < 60_000 { simulation.run(seconds: 0.1) }
      try #require(simulation.isRising)
      simulation.run(seconds: 0.5)
      simulation.cutOff(0)
      let rate = try #require(simulation.rate(of: 0))
      let before = simulation.hosts[0].calls
      simulation.run(seconds: 4)
      #expect(Double(simulation.hosts[0].calls - before) <= 4 * rate + 10)
    }
  }

  @Test func `a quota that rises is found, and one that falls is kept to`() {
    var random = SplitMix64.announced("fleet pace")
    for _ in 0..<2 {
      var simulation = FleetPaceSimulation(hosts: 3, quota: 10, burst: 10, seed: random.next())
      simulation.run(seconds: 2)
      for host in 0..<3 { simulation.setBacklog(nil, of: host) }
      simulation.run(seconds: 6)
      simulation.quota = 50
      simulation.run(seconds: 14)
      #expect(simulation.accepted[18..<22].reduce(0, +) >= 160, "\(simulation.accepted)")
      simulation.quota = 10
      simulation.run(seconds: 30)
      let late = simulation.accepted[32..<52].reduce(0, +)
      #expect(
        late >= 150 && simulation.throttled(since: 32_000) <= 6, "\(late), \(simulation.throttled(since: 32_000))")
    }
  }

  private static let environment = ProcessInfo.processInfo.environment
  private static let largeFleet = environment["CERTREG_SIMULATION_HOSTS"].flatMap(Int.init)

  @Test func `a fleet with work uses the quota, shares it equally, and asks the database little`() {
    let simulation = FleetLoadSimulation(hosts: 40, arrival: .seconds(2), quota: 20, burst: 20, seed: 1)
    simulation.run(for: .seconds(6))
    simulation.resetFigures()
    simulation.run(for: .seconds(14))
    let figures = simulation.figures
    #expect(Double(figures.throttled) <= 0.01 * Double(figures.calls), "\(figures)")
    #expect((figures.accepted.max() ?? 0) - (figures.accepted.min() ?? 0) <= 2, "\(figures)")
    #expect(figures.calls >= 14 * 19, "\(figures)")
    #expect(Double(figures.statements) / 14 / 40 <= 5, "\(figures)")
  }

  /// `CERTREG_SIMULATION_HOSTS=200` names the number of hosts, and `CERTREG_SIMULATION_SEEDS` that of runs.
  @Test(.enabled(if: largeFleet != nil, "CERTREG_SIMULATION_HOSTS is not set"))
  func `a large fleet with work keeps to the quota, shares it equally, and asks the database little`() throws {
    let count = try #require(Self.largeFleet)
    let seeds = Self.environment["CERTREG_SIMULATION_SEEDS"].flatMap(UInt64.init) ?? 1
    for seed in 1...seeds {
      let simulation = FleetLoadSimulation(
        hosts: count, arrival: .seconds(5), quota: 100, burst: 100, seed: seed)
      simulation.run(for: .seconds(10))
      let begin = simulation.figures
      simulation.resetFigures()
      simulation.run(for: .seconds(110))
      let figures = simulation.figures
      let (calls, throttled) = (begin.calls + figures.calls, begin.throttled + figures.throttled)
      let perMember = { (number: Int) in (Double(number) / 110 / Double(count) * 100).rounded() / 100 }
      print(
        """
        fleet of \(count), seed \(seed): \(calls) calls, \(throttled) throttled (\(begin.throttled) in the first 10 s), \
        \(figures.accepted.min() ?? 0)...\(figures.accepted.max() ?? 0) calls of a member in 110 s, \
        \(perMember(figures.exchanges)) exchanges and \(perMember(figures.statements)) statements a second and member \
        \(figures.kinds.mapValues(perMember).sorted { $0.key < $1.key })
        """)
      #expect(Double(throttled) <= 0.01 * Double(calls), "seed \(seed)")
      #expect(figures.spread <= 0.15, "seed \(seed)")
      #expect(figures.calls >= 95 * 110, "seed \(seed)")
      // Beside the exchanges themselves each registration has five.
      let perSecond = Double(figures.statements) / 110 / Double(count)
      #expect(count < 200 || perSecond <= 5, "seed \(seed)")
    }
  }
}
