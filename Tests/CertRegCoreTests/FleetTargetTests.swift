import CertRegTesting
import Testing

@testable import CertRegCore

/// Targets of several members, which mean the same or not.
@Suite struct FleetTargetTests {
  private static let europe = UpstreamLocation.aws(region: "eu-west-1")
  private static let america = UpstreamLocation.aws(region: "us-east-1")

  private static func target(
    _ name: String = "default", _ location: UpstreamLocation = europe, _ account: String? = nil
  ) -> FleetTarget {
    FleetTarget(
      name: TargetName(name), location: location,
      account: account.flatMap { AccountPrefix(rawValue: "arn:aws:iot:eu-west-1:\($0):") })
  }

  private static func member(
    _ name: String, joined: Int64, isGone: Bool = false, _ targets: FleetTarget...
  ) -> FleetReply.Member {
    FleetReply.Member(
      name: name, sent: 0, queued: 0, heardOfSecondsAgo: 0, isGone: isGone, targets: targets.map(\.text), joined: joined
    )
  }

  @Test(arguments: [target(), target("a", america), target("b", europe, "111122223333")])
  func `a target is read as it was written`(target: FleetTarget) {
    #expect(FleetTarget(text: target.text) == target)
  }

  @Test(arguments: ["", "default", "default ", "default AWS eu\tx", "default \tarn:aws:iot:r:1:"])
  func `a text of another form is no target`(text: String) {
    #expect(FleetTarget(text: text) == nil)
  }

  struct Case: CustomTestStringConvertible, Sendable {
    var testDescription: String
    var own: FleetTarget
    var members: [FleetReply.Member]
    var fleets: FleetTarget?
  }

  static let cases = [
    Case(testDescription: "alone", own: target(), members: [], fleets: nil),
    Case(testDescription: "the same", own: target(), members: [member("b", joined: 1, target())], fleets: nil),
    Case(
      testDescription: "another region", own: target(), members: [member("b", joined: 1, target("default", america))],
      fleets: target("default", america)),
    Case(
      testDescription: "another region of one that came later", own: target(),
      members: [member("b", joined: 9, target("default", america))], fleets: nil),
    Case(
      testDescription: "another region of one that is gone", own: target(),
      members: [member("b", joined: 1, isGone: true, target("default", america))], fleets: nil),
    Case(
      testDescription: "another region of another target", own: target(),
      members: [member("b", joined: 1, target("other", america))], fleets: nil),
    Case(
      testDescription: "another account", own: target("default", europe, "222222222222"),
      members: [member("b", joined: 1, target()), member("c", joined: 2, target("default", europe, "111111111111"))],
      fleets: target("default", europe, "111111111111")),
    Case(
      testDescription: "an account that is not known here", own: target(),
      members: [member("b", joined: 1, target("default", europe, "111111111111"))], fleets: nil),
    Case(
      testDescription: "another account of one that came later", own: target("default", europe, "222222222222"),
      members: [member("b", joined: 9, target("default", europe, "111111111111"))], fleets: nil),
    Case(
      testDescription: "the eldest's account is the fleet's", own: target("default", europe, "111111111111"),
      members: [
        member("b", joined: 2, target("default", europe, "222222222222")),
        member("c", joined: 1, target("default", europe, "111111111111")),
      ], fleets: nil),
  ]

  @Test(arguments: cases) func `the fleet's target is that of its eldest member`(given: Case) {
    let members = given.members + [Self.member("a", joined: 5, given.own)]
    let differing = FleetTarget.differing([given.own], of: "a", among: members)
    #expect(differing.map(\.fleets) == (given.fleets.map { [$0] } ?? []))
  }

  @Test func `targets are compared again only where one of them has changed`() {
    var comparison = FleetTargetComparison()
    let own = [Self.target("default", Self.europe, "222222222222")]
    var members = [Self.member("a", joined: 5, own[0]), Self.member("b", joined: 1, Self.target())]
    let isFirst = comparison.update(own, of: "a", among: members)
    #expect(isFirst && comparison.differing.isEmpty)
    // These change with each exchange.
    members[1].queued += 1
    members[1].sent += 1
    members[1].heardOfSecondsAgo += 1
    let isUnchanged = !comparison.update(own, of: "a", among: members)
    #expect(isUnchanged)
    members[1].targets = [Self.target("default", Self.europe, "111111111111").text]
    let isChanged = comparison.update(own, of: "a", among: members)
    #expect(isChanged && comparison.differing.map(\.of) == ["b"])
    members[1].isGone = true
    let isGone = comparison.update(own, of: "a", among: members)
    #expect(isGone && comparison.differing.isEmpty)
  }

  @Test func `what is kept apart has keys with the account`() throws {
    let known = KnownResults(
      memory: ResultCache(maxEntries: 10), store: MemoryStore(), timeToLive: nil)
    let name = TargetName("default")
    known.point([name: Self.europe])
    #expect(known.fleetTarget(of: name) == Self.target())
    let id = CertificateID(words: (1, 0, 0, 0))
    _ = known.learn(arn: "arn:aws:iot:eu-west-1:222222222222:cert/\(id.hex)", of: name, at: Self.europe)
    #expect(known.fleetTarget(of: name) == Self.target())
    let stored = known.home(of: name).storedKey(id)
    #expect(known.fleetKey(storedAs: stored)?.target == Self.target().text)
    #expect(known.setApart([name]) && !known.setApart([name]))
    let apart = Self.target("default", Self.europe, "222222222222")
    #expect(known.fleetTarget(of: name) == apart && known.fleetKey(storedAs: stored)?.target == apart.text)
    // Results of an account that the target was in before are nobody's here.
    _ = known.learn(arn: "arn:aws:iot:eu-west-1:333333333333:cert/\(id.hex)", of: name, at: Self.europe)
    #expect(known.fleetKey(storedAs: stored) == nil)
  }
}
