import CertRegTesting
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
}
