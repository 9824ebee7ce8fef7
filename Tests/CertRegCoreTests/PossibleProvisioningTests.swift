import Testing

@testable import CertRegCore

/// Whether a profile could have given what another host left behind.
@Suite struct PossibleProvisioningTests {
  @Test(arguments: [
    ("fleet-policy", "fleet-policy", true), ("fleet-policy", "fleet-policy2", false), ("fleet-policy", "", false),
    ("{deviceId}", "anything", true), ("{deviceId}", "", true), ("d-{deviceId}", "d-7", true),
    ("d-{deviceId}", "e-7", false), ("{deviceId}-p", "7-p", true), ("{deviceId}-p", "7-q", false),
    ("a-{deviceId}-b-{cn}-c", "a-1-b-2-c", true), ("a-{deviceId}-b-{cn}-c", "a-1-b-2-c-d", false),
    ("a-{deviceId}-b-{cn}-c", "a-c", false), ("{cn}x{cn}", "x", true), ("{cn}x{cn}", "y", false),
    ("ab{cn}ba", "aba", false),
  ])
  func `a text with placeholders gives some texts and no others`(text: String, given: String, isPossible: Bool) throws {
    #expect(try PlaceholderText(text).couldGive(given) == isPossible)
  }

  private static func provisioning(
    policies: [String], groups: [String] = [], activatesLast: Bool = false
  ) -> Provisioning {
    Provisioning(
      profile: "p", tag: ProvisioningTag(rawValue: 1),
      work: .parts(
        DeviceParts(
          thing: .init(name: "dev-1", type: nil, attributes: [], groups: groups, isExclusive: false),
          policies: policies, activatesLast: activatesLast)))
  }

  @Test func `a profile gives no more than it names`() throws {
    let profile = ProvisioningProfile(
      name: "p",
      form: .parts(
        thing: .init(name: try PlaceholderText("dev-{deviceId}"), groups: [try PlaceholderText("line")]),
        policies: [try PlaceholderText("device")], activatesLast: false))
    #expect(profile.couldGive(Self.provisioning(policies: ["device"], groups: ["line"])))
    #expect(!profile.couldGive(Self.provisioning(policies: ["admin"], groups: ["line"])))
    #expect(!profile.couldGive(Self.provisioning(policies: ["device", "admin"], groups: ["line"])))
    #expect(!profile.couldGive(Self.provisioning(policies: ["device"], groups: ["other"])))
    #expect(!profile.couldGive(Self.provisioning(policies: ["device"], groups: ["line"], activatesLast: true)))
    var template = Self.provisioning(policies: [])
    template.work = .template(FilledTemplate(body: "{}", parameters: []))
    #expect(!profile.couldGive(template))
  }
}
