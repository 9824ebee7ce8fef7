import CertRegTesting
import Testing

@testable import CertRegCore

/// Whether a profile could have given what another host left behind.
@Suite struct PossibleProvisioningTests {
  @Test(
    arguments: [
      ("policy", "policy", [:]), ("policy", "policy2", nil), ("policy", "", nil), ("{a}", "x", ["a": "x"]),
      ("{a}", "", nil), ("d-{a}", "d-7", ["a": "7"]), ("d-{a}", "e-7", nil), ("{a}-p", "7-p", ["a": "7"]),
      ("{a}-p", "7-q", nil), ("ab{a}ba", "aba", nil), ("ab{a}ba", "abba", nil),
      ("a-{a}-b-{b}-c", "a-1-b-2-c", ["a": "1", "b": "2"]), ("a-{a}-b-{b}-c", "a-1-b-2-c-d", nil),
      ("a-{a}-b-{b}-c", "a-c", nil),
      // One choice of two, and several.
      ("{a}-{b}", "x-y", ["a": "x", "b": "y"]), ("{a}-{b}", "x-y-z", [:]), ("{a}-{b}", "-x-", nil),
      ("{a}-{b}", "--x", ["a": "-", "b": "x"]), ("{a}-{b}", "---", ["a": "-", "b": "-"]),
      ("{a}{b}", "xy", ["a": "x", "b": "y"]),
      ("{a}{b}", "xyz", [:]), ("{a}{b}", "x", nil), ("{a}_{b}-{c}", "x_y-z-z", ["a": "x"]),
      // One placeholder has one value.
      ("{a}x{a}", "x", nil), ("{a}x{a}", "1x1", ["a": "1"]), ("{a}x{a}", "1x2", nil), ("{a}x{a}", "xxx", ["a": "x"]),
      ("{a}x{a}", "1x1x1x1", ["a": "1x1"]), ("{a}{a}", "77", ["a": "7"]), ("{a}{a}", "777", nil),
      ("{a}-{b}-{a}", "1-2-1", ["a": "1", "b": "2"]), ("{a}-{b}-{a}", "1-2-3", nil),
      // One of them is known.
      ("{k}-{a}", "known-x", ["a": "x"]), ("{k}-{a}", "other-x", nil), ("{k}", "known", [:]), ("{k}", "unknown", nil),
      ("{k}{a}", "knownx-y", ["a": "x-y"]),
    ] as [(String, String, [String: String]?)])
  func `a text gives values that are certain, or cannot have given another`(
    text: String, given: String, values: [String: String]?
  ) throws {
    let partly = PartlyFilledText(try PlaceholderText(text), ["k": "known"])
    #expect(partly.certainValues(giving: given) == values && partly.couldGive(given) == (values != nil))
  }

  /// Long repetitions have many places for each literal.
  @Test func `a text of many placeholders is soon compared`() throws {
    let text = try PlaceholderText((0..<100).map { "{a\($0)}" }.joined(separator: "ab"))
    let partly = PartlyFilledText(text, [:])
    #expect(!partly.couldGive(String(repeating: "a", count: 800)))
    #expect(partly.couldGive(String(repeating: "ab", count: 400)))
  }

  private static let id = CertificateID(words: (1, 2, 3, 4))

  private func known(
    device: String? = "7", commonName: String? = "c1", serial: String = "0a"
  ) -> PlaceholderValues {
    PlaceholderValues(
      certificateID: Self.id, deviceID: device.flatMap { DeviceID($0) }, attributes: [],
      certificate: .init(commonName: commonName, serialNumber: serial))
  }

  private func profile(
    name: String = "dev-{deviceId}", type: String? = nil, attributes: [String: String] = [:],
    groups: [String] = ["line"], policies: [String] = ["device"]
  ) throws -> ProvisioningProfile {
    ProvisioningProfile(
      name: "p",
      form: .parts(
        thing: .init(
          name: try PlaceholderText(name), type: try type.map { try PlaceholderText($0) },
          attributes: try attributes.sorted { $0.key < $1.key }.map {
            .init(name: $0.key, value: try PlaceholderText($0.value))
          },
          groups: try groups.map { try PlaceholderText($0) }),
        policies: try policies.map { try PlaceholderText($0) }, activatesLast: false))
  }

  private func given(
    name: String = "dev-7", type: String? = nil, attributes: [NamedText] = [], groups: [String] = ["line"],
    policies: [String] = ["device"], activatesLast: Bool = false
  ) -> Provisioning {
    Provisioning(
      profile: "p", tag: ProvisioningTag(rawValue: 1),
      work: .parts(
        DeviceParts(
          thing: .init(name: name, type: type, attributes: attributes, groups: groups, isExclusive: false),
          policies: policies, activatesLast: activatesLast)))
  }

  @Test func `a profile gives no more than it names, and no less`() throws {
    let profile = try profile()
    func couldGive(_ provisioning: Provisioning) -> Bool { profile.couldGive(provisioning, with: known()) }
    #expect(couldGive(given()))
    for (groups, policies) in [
      (["line"], ["admin"]), (["line"], ["device", "admin"]), (["line"], []), (["other"], ["device"]), ([], ["device"]),
      (["line", "line"], ["device"]),
    ] {
      #expect(!couldGive(given(groups: groups, policies: policies)), "\(groups), \(policies)")
    }
    #expect(!couldGive(given(activatesLast: true)) && !couldGive(given(type: "t")))
    #expect(!couldGive(given(attributes: [NamedText("a", "b")])))
    var template = given()
    template.work = .template(FilledTemplate(body: "{}", parameters: []))
    #expect(!couldGive(template))
  }

  /// A row of the database must not make a device of a certificate that its names do not give.
  @Test(arguments: [
    ("{deviceId}", "7", "8"), ("{cn}", "c1", "c2"), ("s{serialNumber}", "s0a", "s0b"),
    ("{certificateId}", id.hex, String(repeating: "0", count: 64)), ("{cn}-{serialNumber}", "c1-0a", "c1-0b"),
  ])
  func `the names of the certificate and of the device are those of the request`(
    name: String, right: String, wrong: String
  ) throws {
    let profile = try profile(name: name, attributes: ["n": name], groups: ["g-" + name], policies: ["p-" + name])
    func isTaken(name: String, attribute: String, group: String, policy: String) -> Bool {
      let provisioning = given(
        name: name, attributes: [NamedText("n", attribute)], groups: ["g-" + group], policies: ["p-" + policy])
      return profile.couldGive(provisioning, with: known())
    }
    #expect(isTaken(name: right, attribute: right, group: right, policy: right))
    #expect(!isTaken(name: wrong, attribute: wrong, group: wrong, policy: wrong))
    #expect(!isTaken(name: wrong, attribute: right, group: right, policy: right))
    #expect(!isTaken(name: right, attribute: wrong, group: right, policy: right))
    #expect(!isTaken(name: right, attribute: right, group: wrong, policy: right))
    #expect(!isTaken(name: right, attribute: right, group: right, policy: wrong))
  }

  @Test func `a name that the request or its certificate lacks is never given`() throws {
    let (device, named) = (try profile(), try profile(name: "{cn}"))
    for name in ["dev-7", "dev-"] { #expect(!device.couldGive(given(name: name), with: known(device: nil))) }
    #expect(!named.couldGive(given(name: "c1"), with: known(commonName: nil)))
    #expect(
      !named.couldGive(
        given(name: "c1"),
        with: PlaceholderValues(
          certificateID: Self.id, deviceID: nil, attributes: [], certificate: nil)))
  }

  @Test func `an attribute has one value in all texts`() throws {
    let profile = try profile(
      name: "{site}", type: "{kind}", attributes: ["both": "{site}/{kind}"], groups: ["{site}", "all"],
      policies: ["{kind}-{site}"])
    func isTaken(_ name: String, _ type: String, _ both: String, _ groups: [String], _ policy: String) -> Bool {
      let provisioning = given(
        name: name, type: type, attributes: [NamedText("both", both)], groups: groups, policies: [policy])
      return profile.couldGive(provisioning, with: known())
    }
    #expect(isTaken("n", "k", "n/k", ["n", "all"], "k-n"))
    // Another host may list the groups in another order, and one name stands for two texts that give it.
    #expect(isTaken("n", "k", "n/k", ["all", "n"], "k-n") && isTaken("all", "k", "all/k", ["all"], "k-all"))
    #expect(!isTaken("m", "k", "n/k", ["n", "all"], "k-n") && !isTaken("n", "l", "n/k", ["n", "all"], "k-n"))
    #expect(!isTaken("n", "k", "m/k", ["n", "all"], "k-n") && !isTaken("n", "k", "n/k", ["m", "all"], "k-n"))
    #expect(!isTaken("n", "k", "n/k", ["n", "all"], "k-m") && !isTaken("n", "k", "n/k", ["n"], "k-n"))
  }

  @Test func `where texts leave a choice each text may have made its own`() throws {
    let profile = try profile(name: "{a}{b}", groups: ["{a}-{b}", "{b}"], policies: ["x-{a}"])
    func isTaken(_ name: String, _ groups: [String], _ policies: [String]) -> Bool {
      profile.couldGive(given(name: name, groups: groups, policies: policies), with: known())
    }
    // The policy says what `a` is, and thereby all else.
    #expect(isTaken("1-23", ["1-2-3", "-23"], ["x-1"]) == false && isTaken("1-23", ["1--23", "-23"], ["x-1"]))
    let open = try self.profile(name: "{a}{b}", groups: ["{a}-{b}", "g"])
    #expect(open.couldGive(given(name: "123", groups: ["1-2-3", "g"]), with: known()))
    #expect(!open.couldGive(given(name: "123", groups: ["1-2-3", "h"]), with: known()))
    #expect(!open.couldGive(given(name: "123", groups: ["g"]), with: known()))
    #expect(!open.couldGive(given(name: "1", groups: ["1-2-3", "g"]), with: known()))
  }

  @Test func `a text is one that AWS IoT takes`() throws {
    let profile = try profile(
      name: "{a}{b}", type: "{c}", attributes: ["n": "{d}{e}"], groups: ["{f}"], policies: ["{g}"])
    func isTaken(
      name: String = "nn", type: String = "t", attribute: String = "vv", group: String = "g", policy: String = "p"
    ) -> Bool {
      let provisioning = given(
        name: name, type: type, attributes: [NamedText("n", attribute)], groups: [group], policies: [policy])
      return profile.couldGive(provisioning, with: known())
    }
    func long(_ count: Int) -> String { String(repeating: "x", count: count) }
    #expect(isTaken() && isTaken(name: long(128)) && isTaken(attribute: long(800)) && isTaken(policy: "a+b=c@d"))
    for text in ["", "a b", "a/b", "ä", long(129)] {
      #expect(!isTaken(name: text) && !isTaken(type: text) && !isTaken(group: text) && !isTaken(policy: text))
    }
    for text in ["", "v v", "ää", long(801)] { #expect(!isTaken(attribute: text)) }
  }

  /// What one host gives is taken by another with the same profile, whatever the values are.
  @Test func `what a profile gives it could have given`() throws {
    var random = SplitMix64.announced("possible provisioning")
    let words = ["a", "b", "-", "ab", "aa", "7", "x-y", "a-b"]
    let texts = ["{x}", "{y}", "{x}-{y}", "{x}{y}", "a{x}", "{y}b{x}", "{deviceId}-{x}", "{x}{x}", "a", "{cn}", "ab"]
    for _ in 0..<2000 {
      func text() -> String { texts.randomElement(using: &random) ?? "" }
      let profile = try profile(
        name: text(), type: text(), attributes: ["m": text(), "n": text()], groups: [text(), text(), text()],
        policies: [text(), text()])
      var values = known()
      values.attributes = profile.attributeNames.map { NamedText($0, words.randomElement(using: &random) ?? "") }
      let filled = try profile.filled(with: values)
      #expect(profile.couldGive(filled, with: known()), "\(profile.form), \(values.attributes)")
    }
  }

  @Test func `a template gives what it gave, whatever attributes it knows, and to that certificate only`() throws {
    var template = ProvisioningProfile.Template(file: "/t")
    template.body = "{}"
    template.required = ["serial"]
    template.status = .parameter("state", default: "ACTIVE")
    let profile = ProvisioningProfile(name: "p", form: .template(template))
    var values = known()
    values.attributes = [NamedText("serial", "7"), NamedText("site", "north")]
    let given = try profile.filled(with: values)
    var another = known()
    another.certificateID = CertificateID(words: (5, 6, 7, 8))
    #expect(profile.couldGive(given, with: known()) && !profile.couldGive(given, with: another))
    var forged = given
    guard case .template(let filled) = given.work else {
      Issue.record("\(given.work)")
      return
    }
    var other = filled
    other.status = .set(.revoked)
    forged.work = .template(other)
    #expect(!profile.couldGive(forged, with: known()))
    other = filled
    other.body = "{\"a\":1}"
    forged.work = .template(other)
    #expect(!profile.couldGive(forged, with: known()))
  }
}
