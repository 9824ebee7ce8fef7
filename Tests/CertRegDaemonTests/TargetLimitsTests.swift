import CertRegCore
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
}
