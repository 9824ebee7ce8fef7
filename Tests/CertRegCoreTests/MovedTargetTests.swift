import CertRegTesting
import Testing

@testable import CertRegCore

/// Jobs whose target points elsewhere after a reload.
@Suite struct MovedTargetTests {
  private static let first = UpstreamLocation.aws(region: "eu-central-1")
  private static let second = UpstreamLocation.aws(region: "eu-west-1")
  private static let there = JobHome(location: second, account: nil)

  /// A caller asks at the first place.
  private static func begin() -> DevicesUnderTest {
    var test = DevicesUnderTest()
    test.point(to: first)
    test.ask(1, nil, wait: false)
    return test
  }

  /// The call at the first place fails, and the next one begins at the second.
  private static func move(isLost: Bool) -> DevicesUnderTest {
    var test = begin()
    test.fail(.unavailable(retryAfter: nil), isLost: isLost)
    test.point(to: second)
    test.pass(.seconds(60))
    #expect(test.operations.count == 2)
    return test
  }

  @Test(arguments: [true, false])
  func `a call that a restart interrupts at the new place may have taken effect there`(isLost: Bool) {
    var test = Self.move(isLost: isLost)
    test.restart()
    #expect(test.operations.count == 3)
    test.succeed(exists: true, nil, from: Self.there)
    #expect(test.result?.outcome == .created)
  }

  @Test func `a call whose answer was lost at the new place may have taken effect there after a restart`() {
    var test = Self.move(isLost: true)
    test.fail(.unavailable(retryAfter: nil), isLost: true)
    test.restart()
    test.succeed(exists: true, nil, from: Self.there)
    #expect(test.result?.outcome == .created)
  }

  @Test func `a call that was lost at the old place says nothing about the new one`() {
    var test = Self.move(isLost: true)
    test.succeed(exists: true, nil, from: Self.there)
    #expect(test.result?.outcome == .existing)
    // The reload comes while the process is gone.
    test = Self.begin()
    test.fail(.unavailable(retryAfter: nil), isLost: true)
    test.point(to: Self.second)
    test.restart()
    test.succeed(exists: true, nil, from: Self.there)
    #expect(test.result?.outcome == .existing)
  }

  @Test func `a call waits for a disk that does not take where it goes`() {
    var test = Self.begin()
    test.fail(.unavailable(retryAfter: nil), isLost: true)
    test.point(to: Self.second)
    test.isDiskFull = true
    test.pass(.seconds(60))
    test.pass(.seconds(60))
    #expect(test.operations.count == 1)
    test.isDiskFull = false
    test.pass(.seconds(60))
    #expect(test.operations.count == 2)
    test.restart()
    test.succeed(exists: true, nil, from: Self.there)
    #expect(test.result?.outcome == .created)
  }

  @Test(arguments: [true, false])
  func `what a lost update leaves in doubt is on disk before the job goes on elsewhere`(isUpdate: Bool) {
    var test = DevicesUnderTest()
    test.ask(1, nil, .active)
    test.succeed()
    #expect(test.result?.status == .active)
    if isUpdate { test.askForStatus(2, .revoked) } else { test.ask(2, nil, .inactive, ifExists: .update) }
    test.fail(.unavailable(retryAfter: nil), isLost: true)
    test.pass(.seconds(60))
    test.isDiskFull = true
    test.move()
    test.pass(.seconds(60))
    #expect(test.result?.status == .active)
    test.isDiskFull = false
    test.pass(.seconds(60))
    let result = test.result
    #expect(result != nil && result?.status == nil)
    // Once is enough.
    let doubts = test.changes.filter { change in
      switch change {
      case .doubtStatus, .keep: true
      default: false
      }
    }
    #expect(doubts.count == 1)
  }
}
