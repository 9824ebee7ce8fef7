import CertRegCore
import CertRegForwarder
import CertRegHost
import Testing

@testable import CertRegDaemon

@Suite struct TargetLimitsTests {
  private func rate(_ configure: (inout TargetConfiguration) -> Void, isAWS: Bool = true) -> Double? {
    var target = TargetConfiguration(name: TargetName("t"))
    configure(&target)
    return TargetLimits(target, isAWS: isAWS).operations[.registerCertificateWithoutCA]?.ratePerSecond
  }

  @Test func `a rate that is left out is AWS's default quota, and none is no rate`() {
    #expect(rate { _ in } == 10)
    #expect(rate({ _ in }, isAWS: false) == nil)
    #expect(rate { $0.ratePerSecond = 3 } == 3)
    #expect(rate { $0.withoutValue = [.ratePerSecond] } == nil)
  }

  private func limits(
    isAWS: Bool = true, accountRate: Double? = nil, _ configure: (inout TargetConfiguration) -> Void = { _ in }
  ) -> TargetLimits {
    var target = TargetConfiguration(name: TargetName("t"))
    configure(&target)
    return TargetLimits(target, isAWS: isAWS, accountRate: accountRate)
  }

  @Test func `the account's own rate is the rate, and nothing is tried beyond it`() {
    let known = limits(accountRate: 25) { $0.asksForRate = true }
    let registration = known.operations[.registerCertificateWithoutCA]
    #expect(registration?.ratePerSecond == 25 && registration?.maxRatePerSecond == 25 && registration?.burst == 25)
    // Service Quotas is asked for that rate alone: those of other calls are learnt.
    #expect(known.operations[.attachPolicy] == limits().operations[.attachPolicy])
    // Unless their pace is configured.
    let configured = limits(accountRate: 25) {
      $0.asksForRate = true
      $0.rates = [.attachPolicy: 30]
    }
    #expect(configured.operations[.attachPolicy]?.ratePerSecond == 30)
    #expect(configured.operations[.attachPolicy]?.maxRatePerSecond == 30)
    #expect(configured.operations[.createThing]?.maxRatePerSecond == nil)
    let bounded = limits(accountRate: 25) {
      $0.asksForRate = true
      $0.maxRatePerSecond = 8
    }
    #expect(bounded.operations[.registerCertificateWithoutCA]?.ratePerSecond == 8)
    #expect(bounded.operations[.registerCertificateWithoutCA]?.maxRatePerSecond == 8)
    let unknown = limits(isAWS: false) { $0.asksForRate = true }
    #expect(unknown.operations[.registerCertificateWithoutCA]?.ratePerSecond == 10)
    #expect(unknown.operations[.registerCertificateWithoutCA]?.maxRatePerSecond == nil)
  }

  @Test func `an account's rate that comes late does not replace the one that is configured`() {
    #expect(limits(accountRate: 25) { $0.ratePerSecond = 5 } == limits { $0.ratePerSecond = 5 })
    #expect(limits(accountRate: 25) == limits())
  }

  @Test func `other calls have AWS's quotas or the configured rates, and more is tried seldom`() {
    let standard = limits().operations
    #expect(standard[.attachPolicy]?.ratePerSecond == 15 && standard[.createThing]?.ratePerSecond == 100)
    #expect(standard[.attachPolicy]?.probesSeldom == true && standard[.attachPolicy]?.maxRatePerSecond == nil)
    #expect(standard[.registerCertificateWithoutCA]?.probesSeldom == false)
    let own = limits(isAWS: false) { $0.rates = [.attachPolicy: 0.5] }.operations
    #expect(own[.attachPolicy]?.ratePerSecond == 0.5 && own[.attachPolicy]?.burst == 1)
    #expect(own[.createThing]?.ratePerSecond == nil)
  }

  @Test func `connections of clients leave descriptors to the calls and descriptions of a target`() {
    let others = 32
    let ofUpstream = TargetConfiguration(name: TargetName("t")).maxConcurrent + AWSUpstreamClient.mostDescriptions
    #expect(ProcessLimits.OpenFiles(soft: 1024, hard: 1024).connectionLimit + ofUpstream + others <= 1024)
    #expect(ProcessLimits.OpenFiles(soft: 100, hard: 100).connectionLimit == 16)
  }

  @Test func `every connection may have its peer's process held where there are descriptors for it`() {
    func held(_ openFiles: UInt64, beside connections: Int) -> Int {
      ProcessLimits.OpenFiles(soft: openFiles, hard: openFiles).heldPeers(beside: connections)
    }
    #expect(held(65_536, beside: 4096) == 4096 && held(.max, beside: 65_536) == 65_536)
    #expect(held(1024, beside: 864) == 32 && held(1024, beside: 600) == 264 && held(100, beside: 16) == 16)
  }
}
