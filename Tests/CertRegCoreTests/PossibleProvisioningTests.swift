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
    let id = CertificateID(words: (1, 2, 3, 4))
    func couldGive(_ provisioning: Provisioning) -> Bool { profile.couldGive(provisioning, to: id) }
    #expect(couldGive(Self.provisioning(policies: ["device"], groups: ["line"])))
    #expect(!couldGive(Self.provisioning(policies: ["admin"], groups: ["line"])))
    #expect(!couldGive(Self.provisioning(policies: ["device", "admin"], groups: ["line"])))
    #expect(!couldGive(Self.provisioning(policies: ["device"], groups: ["other"])))
    #expect(!couldGive(Self.provisioning(policies: ["device"], groups: ["line"], activatesLast: true)))
    var template = Self.provisioning(policies: [])
    template.work = .template(FilledTemplate(body: "{}", parameters: []))
    #expect(!couldGive(template))
  }

  @Test func `a template gives what it gave, whatever attributes it knows, and to that certificate only`() throws {
    let (id, another) = (CertificateID(words: (1, 2, 3, 4)), CertificateID(words: (5, 6, 7, 8)))
    var template = ProvisioningProfile.Template(file: "/t")
    template.body = "{}"
    template.required = ["serial"]
    template.status = .parameter("state", default: "ACTIVE")
    let profile = ProvisioningProfile(name: "p", form: .template(template))
    let given = try profile.filled(
      with: PlaceholderValues(
        certificateID: id, deviceID: nil, attributes: [NamedText("serial", "7"), NamedText("site", "north")],
        certificate: nil))
    #expect(profile.couldGive(given, to: id) && !profile.couldGive(given, to: another))
    var forged = given
    guard case .template(let filled) = given.work else {
      Issue.record("\(given.work)")
      return
    }
    var other = filled
    other.status = .set(.revoked)
    forged.work = .template(other)
    #expect(!profile.couldGive(forged, to: id))
    other = filled
    other.body = "{\"a\":1}"
    forged.work = .template(other)
    #expect(!profile.couldGive(forged, to: id))
  }
}
