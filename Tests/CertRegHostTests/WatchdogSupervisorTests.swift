import CertRegCore
import CertRegHost
import Testing

@Suite struct WatchdogSupervisorTests {
  private func second(_ value: Double) -> MonotonicTime { MonotonicTime(nanoseconds: Int64(value * 1e9)) }

  @Test func `pings while every loop turns`() {
    var supervisor = WatchdogSupervisor(loops: ["accept": .seconds(2), "store": .seconds(10)], now: second(0))
    #expect(supervisor.tick(at: second(2)) == .ping)
    supervisor.beat("accept", at: second(3))
    #expect(supervisor.tick(at: second(5)) == .ping)
  }

  @Test func `withholds the ping and names the hanging loops, once as new`() {
    var supervisor = WatchdogSupervisor(loops: ["accept": .seconds(2), "store": .seconds(10)], now: second(0))
    #expect(supervisor.tick(at: second(2.1)) == .withhold(hanging: ["accept"], newly: ["accept"]))
    #expect(supervisor.tick(at: second(3)) == .withhold(hanging: ["accept"], newly: []))
    #expect(supervisor.tick(at: second(10.5)) == .withhold(hanging: ["accept", "store"], newly: ["store"]))
    supervisor.beat("accept", at: second(11))
    #expect(supervisor.tick(at: second(11)) == .withhold(hanging: ["store"], newly: []))
    supervisor.beat("store", at: second(11))
    #expect(supervisor.tick(at: second(12)) == .ping)
    #expect(supervisor.tick(at: second(14)) == .withhold(hanging: ["accept"], newly: ["accept"]))
  }

  @Test func `beats from strangers and from the past count for nothing`() {
    var supervisor = WatchdogSupervisor(loops: ["accept": .seconds(2)], now: second(5))
    supervisor.beat("stranger", at: second(6))
    supervisor.beat("accept", at: second(4))
    #expect(supervisor.tick(at: second(7)) == .ping)
    #expect(supervisor.tick(at: second(7.5)) == .withhold(hanging: ["accept"], newly: ["accept"]))
  }

  @Test func `ticks come at least twice in the manager's interval`() {
    #expect(WatchdogSupervisor.tickInterval(watchdogInterval: .seconds(3)) == .seconds(1))
  }

  @Test(arguments: 0..<8)
  func `pings exactly when the quietest loop is within its allowance`(seed: UInt64) {
    var random = SplitMix64(seed: seed)
    let names = ["a", "b", "c"]
    var last = Dictionary(uniqueKeysWithValues: names.map { ($0, Int64(0)) })
    var supervisor = WatchdogSupervisor(
      loops: Dictionary(uniqueKeysWithValues: names.map { ($0, .nanoseconds(50)) }), now: MonotonicTime(nanoseconds: 0))
    var now: Int64 = 0
    for _ in 0..<500 {
      now += Int64.random(in: 0...20, using: &random)
      if Bool.random(using: &random) {
        let name = names[Int.random(in: 0..<3, using: &random)]
        supervisor.beat(name, at: MonotonicTime(nanoseconds: now))
        last[name] = now
      } else {
        let silent = names.filter { now - (last[$0] ?? 0) > 50 }
        switch supervisor.tick(at: MonotonicTime(nanoseconds: now)) {
        case .ping: #expect(silent.isEmpty, "seed \(seed)")
        case .withhold(let hanging, _): #expect(hanging == silent, "seed \(seed)")
        }
      }
    }
  }
}
