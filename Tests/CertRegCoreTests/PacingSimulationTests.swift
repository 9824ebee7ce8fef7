import CertRegCore
import Foundation
import Testing

/// The daemon uses the account's whole quota without throttles: the figures of a whole daemon, in virtual time.
@Suite struct PacingSimulationTests {
  /// Five processes with ten callers each, distributed over `users` users.
  private static func callers(users: [UInt32] = [1000], waits: Bool = true) -> [PacingSimulation.Caller] {
    (0..<50).map { number in
      let process = number / 10
      return PacingSimulation.Caller(
        uid: users[process % users.count], connection: UInt64(process), waits: waits, begins: Double(number) * 0.003)
    }
  }

  /// `CERTREG_PACING_SEEDS=100` runs more.
  private static let seeds: ClosedRange<UInt64> =
    1...(ProcessInfo.processInfo.environment["CERTREG_PACING_SEEDS"].flatMap(UInt64.init) ?? 3)

  private static let busy = PacingSimulation.Delays(
    commit: 0.002...0.03, way: 0.001...0.03, connecting: 0.2, timer: 0.0...0.01)

  @Test(arguments: seeds)
  func `300 certificates take as long as the quota demands`(seed: UInt64) throws {
    for delays in [PacingSimulation.Delays(), Self.busy] {
      var simulation = PacingSimulation(seed: seed, callers: Self.callers(), certificates: 300, delays: delays)
      simulation.run()
      #expect(simulation.taken.count == 300)
      #expect(simulation.throttled.count <= 5, "seed \(seed): throttled at \(simulation.throttled)")
      let end = try #require(simulation.answers.last?.at)
      #expect(end <= 29.0 * 1.03, "seed \(seed)")
    }
  }

  @Test(arguments: seeds)
  func `two users share every second`(seed: UInt64) {
    let callers = (0..<50).map { (number: Int) -> PacingSimulation.Caller in
      // The second caller starts after the first has taken the burst.
      let isFirst = number < 25
      return PacingSimulation.Caller(
        uid: isFirst ? 1 : 2, connection: UInt64(number / 10), begins: isFirst ? 0 : 0.1)
    }
    var simulation = PacingSimulation(seed: seed, callers: callers, certificates: 400)
    simulation.run(until: 25)
    for second in 0..<25 {
      let uids = simulation.answers.filter { Int($0.at) == second }.map(\.uid)
      let difference = uids.filter { $0 == 1 }.count - uids.filter { $0 == 2 }.count
      #expect(abs(difference) <= 2, "seed \(seed), second \(second)")
    }
  }

  @Test(arguments: seeds)
  func `finds a raised quota, and keeps to a lowered one`(seed: UInt64) {
    for delays in [PacingSimulation.Delays(), Self.busy] {
      var simulation = PacingSimulation(seed: seed, callers: Self.callers(), certificates: 4000, delays: delays)
      let raised = 30 + Double(seed) * 0.7
      simulation.run(until: raised)
      simulation.setUpstreamRate(100)
      simulation.run(until: raised + 20)
      let found = simulation.taken.filter { (raised + 10..<raised + 20).contains($0) }.count
      #expect(found >= 900, "seed \(seed)")
      simulation.setUpstreamRate(10)
      simulation.run(until: raised + 130)
      let span = raised + 30..<raised + 130
      let throttled = simulation.throttled.filter { span.contains($0) }.count
      let taken = simulation.taken.filter { span.contains($0) }.count
      #expect(Double(throttled) <= 0.01 * Double(throttled + taken), "seed \(seed): \(throttled) of \(taken)")
      #expect(taken >= 900, "seed \(seed)")
    }
  }

  @Test(arguments: seeds)
  func `learns a rate that is not configured`(seed: UInt64) {
    var simulation = PacingSimulation(
      seed: seed, callers: Self.callers(), certificates: 5000, rate: 40, burst: 20,
      configured: .one(ratePerSecond: nil, burst: 10, maxConcurrent: 32))
    simulation.run(until: 60)
    let span = 20.0..<60.0
    let throttled = simulation.throttled.filter { span.contains($0) }.count
    #expect(throttled <= 40, "seed \(seed)")
    #expect(simulation.taken.filter { span.contains($0) }.count >= 1400, "seed \(seed)")
  }

  @Test func `a neighbour on the account is yielded to`() {
    var simulation = PacingSimulation(seed: 1, callers: Self.callers(), certificates: 3000)
    // It wants five calls a second, and tries again until it has them.
    var wanted = 0.0
    var got = 0
    for step in 1...7000 {
      simulation.run(until: Double(step) * 0.01)
      wanted = min(wanted + 0.05, 5)
      if wanted >= 1, simulation.neighbourCalls() {
        wanted -= 1
        got += 1
      }
    }
    let span = 20.0..<70.0
    let taken = simulation.taken.filter { span.contains($0) }.count
    let throttled = simulation.throttled.filter { span.contains($0) }.count
    #expect(got >= 280)
    #expect(taken >= 200)
    #expect(Double(throttled) <= 0.05 * Double(taken))
  }

  @Test(arguments: seeds)
  func `what the bound leaves is a neighbour's, and no call is throttled for it`(seed: UInt64) {
    for configured in [12.0, nil] {
      var simulation = PacingSimulation(
        seed: seed, callers: Self.callers(), certificates: 3000, rate: 20, burst: 20,
        configured: .one(ratePerSecond: configured, maxRatePerSecond: 12, burst: 10, maxConcurrent: 32))
      var wanted = 0.0
      var got = 0
      var refused = 0
      for step in 1...12_000 {
        simulation.run(until: Double(step) * 0.01)
        #expect(simulation.pace.map { $0 <= 12 } == true, "seed \(seed)")
        wanted += 0.07
        if wanted >= 1 {
          if simulation.neighbourCalls() { got += 1 } else { refused += 1 }
          wanted -= 1
        }
      }
      for start in stride(from: 10.0, to: 110, by: 10) {
        let taken = simulation.taken.filter { (start..<start + 10).contains($0) }.count
        #expect((117...123).contains(taken), "seed \(seed)")
      }
      #expect(got >= 830 && refused <= 5, "seed \(seed)")
      #expect(simulation.throttled.filter { $0 > 5 }.isEmpty, "seed \(seed)")
    }
  }

  @Test func `registrations without a waiting caller get one turn in eight`() {
    let callers = Self.callers() + [PacingSimulation.Caller(uid: 1, connection: 9, waits: false)]
    var simulation = PacingSimulation(seed: 1, callers: callers, certificates: 100_000)
    simulation.run(until: 40)
    let interactive = simulation.answers.filter(\.waits).count
    #expect((330...390).contains(interactive))
    #expect(simulation.taken.count >= 400)
  }
}
