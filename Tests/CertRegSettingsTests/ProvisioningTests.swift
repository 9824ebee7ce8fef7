import CertRegCore
import Testing

@testable import CertRegSettings

@Suite struct ProvisioningTests {
  private static let interface = """
    provisioning:
      sensors:
        thing: {name: "{deviceId}", type: sensor-v2, attributes: {site: "{site}", serial: "{serialNumber}"}, groups: [hall-7], exclusive: true}
        policies: [sensor-policy]
        activateLast: true
      by-template: {template: /etc/certregd/device.json}
    targets: {default: {region: eu-central-1, provision: sensors}}
    """

  @Test func `profiles are read and sorted by name`() throws {
    let sensors = ProvisioningProfile(
      name: "sensors",
      form: .parts(
        thing: ProvisioningProfile.Thing(
          name: placeholders("{deviceId}"), type: placeholders("sensor-v2"),
          attributes: [
            .init(name: "serial", value: placeholders("{serialNumber}")),
            .init(name: "site", value: placeholders("{site}")),
          ], groups: [placeholders("hall-7")], isExclusive: true),
        policies: [placeholders("sensor-policy")], activatesLast: true))
    let template = ProvisioningProfile(
      name: "by-template", form: .template(ProvisioningProfile.Template(file: "/etc/certregd/device.json")))
    let loaded = try load(Self.interface)
    #expect(loaded.settings.provisioning == [template, sensors])
    #expect(loaded.settings.targets[0].profile == "sensors")
    #expect(loaded.warnings == [])
    #expect(try load(loaded.yaml(version: "1")).settings == loaded.settings)
  }

  @Test func `each value of a profile has its origin beside it`() throws {
    let lines = try load(Self.interface).yaml(version: "1").split(separator: "\n")
    for expected in [
      "      name: \"{deviceId}\"  # /etc/certregd/config.yaml:3",
      "        site: \"{site}\"  # /etc/certregd/config.yaml:3",
      "      groups: [hall-7]  # /etc/certregd/config.yaml:3",
      "    policies: [sensor-policy]  # /etc/certregd/config.yaml:4",
      "    template: /etc/certregd/device.json  # /etc/certregd/config.yaml:6",
      "    provision: sensors  # /etc/certregd/config.yaml:7",
    ] {
      #expect(lines.contains { $0 == expected }, "\(expected)")
    }
  }

  @Test(arguments: ["provisioning:", "provisioning: {}", "{}"])
  func `no profile is needed`(text: String) throws {
    #expect(try load(text).settings == Settings())
  }

  @Test(arguments: [
    ("{policies: sensor-policy}", "sensor-policy"), ("{policies: [sensor-policy]}", "sensor-policy"),
    ("{policies: ['a+b=c,d.e@f-{x}']}", "a+b=c,d.e@f-{x}"),
  ])
  func `a policy may stand alone`(yaml: String, policy: String) throws {
    let profile = try load("provisioning: {p: \(yaml)}").settings.provisioning[0]
    #expect(profile.form == .parts(thing: nil, policies: [placeholders(policy)], activatesLast: false))
  }

  @Test(arguments: [
    ("", "provisioning.p: does nothing"), ("{}", "provisioning.p: does nothing"),
    ("{activateLast: true}", "provisioning.p: does nothing"), ("{policies: }", "provisioning.p: does nothing"),
    ("none", "provisioning.p: takes a section of keys"), ("[a]", "provisioning.p: takes a section of keys"),
    ("{polices: [a]}", "provisioning.p.polices: unknown key; did you mean \"policies\"?"),
    ("{policies: []}", "provisioning.p.policies: is an empty list"),
    ("{policies: none}", "provisioning.p.policies: takes a list, not none"),
    ("{policies: [a/b]}", "provisioning.p.policies[0]: \"a/b\" is not a policy's name"),
    ("{policies: [a, '']}", "provisioning.p.policies[1]: is empty"),
    ("{policies: ['{site']}", "provisioning.p.policies[0]: \"{site\" has a brace without its partner"),
    ("{policies: ['site}']}", "has a brace without its partner"),
    ("{policies: ['{a{b}}']}", "has a brace without its partner"),
    ("{policies: ['{}']}", "has {} without a name in it"),
    ("{policies: [a], activateLast: maybe}", "provisioning.p.activateLast: \"maybe\" is neither true nor false"),
    ("{thing: {}}", "provisioning.p.thing: needs name"), ("{thing: {type: a}}", "provisioning.p.thing: needs name"),
    ("{thing: {name: }}", "provisioning.p.thing.name: has no value"),
    ("{thing: {name: none}}", "provisioning.p.thing.name: cannot be none"),
    ("{thing: a}", "provisioning.p.thing: takes a section of keys (name, type, attributes …)"),
    ("{thing: {nam: a, name: b}}", "provisioning.p.thing.nam: unknown key; did you mean \"name\"?"),
    ("{thing: {name: 'a b'}}", "provisioning.p.thing.name: \"a b\" is not a thing's name"),
    ("{thing: {name: é}}", "is not a thing's name"), ("{thing: {name: a, type: a.b}}", "is not a thing type's name"),
    ("{thing: {name: a, groups: [h/7]}}", "provisioning.p.thing.groups[0]: \"h/7\" is not a thing group's name"),
    ("{thing: {name: a, attributes: [a]}}", "takes a section with a value for each attribute's name, not a list"),
    ("{thing: {name: a, attributes: {'a b': c}}}", "\"a b\" is not an attribute's name"),
    (
      "{thing: {name: a, attributes: {b: 'c d'}}}",
      "provisioning.p.thing.attributes.b: \"c d\" is not an attribute's value"
    ),
    ("{thing: {name: a, attributes: {b: }}}", "provisioning.p.thing.attributes.b: has no value"),
    ("{template: device.json}", "provisioning.p.template: \"device.json\" is not an absolute path"),
    ("{template: /t, policies: [a]}", "provisioning.p.policies: is not possible beside template"),
    ("{template: /t, thing: {name: a}}", "provisioning.p.thing: is not possible beside template"),
    ("{template: /t, activateLast: false}", "provisioning.p.activateLast: is not possible beside template"),
  ])
  func `a wrong profile is refused once, at its key`(yaml: String, message: String) {
    let found = problems("targets: {default: {provision: p}}\nprovisioning:\n  p: \(yaml)\n")
    #expect(found.count == 1 && found[0].hasPrefix("/c.yaml:3: ") && found[0].contains(message), "\(found)")
  }

  @Test(arguments: ["a b", "a.b", "ä", "\"\"", "a/b"])
  func `names are plain words`(name: String) {
    let found = problems("provisioning: {\(name): {policies: a}}")
    #expect(found.count == 1, "\(found)")
  }

  // MARK: Limits of AWS IoT

  private func thing(attributes: Int, type: String? = nil, groups: Int = 0) -> String {
    let attributes = (0..<attributes).map { "a\($0): b" }.joined(separator: ", ")
    let groups = groups == 0 ? "" : ", groups: [" + (0..<groups).map { "g\($0)" }.joined(separator: ", ") + "]"
    let type = type.map { ", type: \($0)" } ?? ""
    return "provisioning: {p: {thing: {name: a\(type), attributes: {\(attributes)}\(groups)}}}"
  }

  @Test(arguments: [(3, nil, true), (4, nil, false), (50, "t", true), (51, "t", false), (50, "none", false)])
  func `a thing has as many attributes as its type allows`(count: Int, type: String?, isValid: Bool) {
    let found = problems(thing(attributes: count, type: type))
    #expect(found.isEmpty == isValid, "\(found)")
  }

  @Test func `a thing has at most 10 groups, and a certificate 10 policies`() {
    #expect(problems(thing(attributes: 0, groups: 10)) == [])
    #expect(
      problems(thing(attributes: 0, groups: 11)).first?.contains("has 11 groups; AWS IoT takes at most 10") == true)
    let policies = { (count: Int) in
      problems("provisioning: {p: {policies: [\((0..<count).map { "p\($0)" }.joined(separator: ", "))]}}")
    }
    #expect(policies(10) == [])
    #expect(policies(11).first?.contains("has 11 policies; AWS IoT takes at most 10") == true)
  }

  @Test(arguments: [
    ("policies: [%]", 128, true), ("policies: [%]", 129, false), ("policies: ['{x}%']", 128, true),
    ("policies: ['{x}%']", 129, false), ("thing: {name: %}", 128, true), ("thing: {name: %}", 129, false),
    ("thing: {name: a, attributes: {b: %}}", 800, true), ("thing: {name: a, attributes: {b: %}}", 801, false),
    ("thing: {name: a, attributes: {%: b}}", 128, true), ("thing: {name: a, attributes: {%: b}}", 129, false),
  ])
  func `texts are as long as AWS IoT takes them`(yaml: String, length: Int, isValid: Bool) {
    let text = yaml.replacing("%", with: String(repeating: "x", count: length))
    #expect(problems("provisioning: {p: {\(text)}}").isEmpty == isValid)
  }

  // MARK: Names of profiles

  private let profiles = "provisioning: {sensors: {policies: a}, pumps: {policies: b}}\n"

  @Test func `a target names a profile that exists, or none`() throws {
    #expect(try load(profiles + "targets: {line: {provision: pumps}}").settings.targets[0].profile == "pumps")
    for text in ["targets: {line: {provision: none}}", "targets: {line: {provision: }}", "targets: {line: {}}"] {
      #expect(try load(profiles + text).settings.targets[0].profile == nil)
    }
    #expect(
      problems(profiles + "targets: {line: {provision: sensor}}") == [
        "/c.yaml:2: targets.line.provision: \"sensor\" is none of the profiles of provisioning pumps, sensors; did you mean"
          + " \"sensors\"?"
      ])
    #expect(
      problems("targets: {line: {provision: sensor}}") == [
        "/c.yaml:1: targets.line.provision: \"sensor\" is none of the profiles of provisioning (there are none)"
      ])
  }

  @Test(arguments: ["none", "\"none\""])
  func `no profile has the word for no profile as its name`(name: String) {
    let found = problems("provisioning: {\(name): {policies: a}}\ntargets: {line: {provision: \"none\"}}")
    #expect(found.count == 1 && found[0].hasPrefix("/c.yaml:1: provisioning.none: cannot be asked for"), "\(found)")
  }

  @Test func `a rule of access grants profiles that exist`() throws {
    let rule = "access: [{user: root, provision: [pumps, sensors]}]"
    #expect(try load(profiles + rule).settings.access?.rules[0].profiles == ["pumps", "sensors"])
    #expect(try load(profiles + "access: [{user: root}]").settings.access?.rules[0].profiles == nil)
    let found = problems(profiles + "access:\n- user: root\n  provision: [pumps, sensor]")
    #expect(found.count == 1)
    #expect(
      found.first?.hasPrefix("/c.yaml:4: access.rules[0].provision[1]: \"sensor\" is none of") == true, "\(found)")
    #expect(problems(profiles + "access: [{user: root, provision: []}]").first?.contains("is an empty list") == true)
  }

  @Test func `warns of a placeholder that is nearly one of every profile`() throws {
    let text = "provisioning: {p: {thing: {name: \"{deviceid}\", type: \"{CN}\", groups: [\"{site}\"]}}}"
    let warnings = try load(text).warnings
    #expect(warnings.map(\.key) == ["provisioning.p", "provisioning.p"])
    #expect(warnings.contains { $0.message.contains("{deviceid}") && $0.message.contains("{deviceId}") })
    #expect(try load(text).warnings.contains { $0.message.contains("{CN}") && $0.message.contains("{cn}") })
  }

  @Test func `a reload takes every change`() throws {
    let (old, new) = (try load(Self.interface).settings, try load(profiles).settings)
    let changes = new.changes(from: old)
    #expect(changes.contains { $0.key == "provisioning.sensors.thing.name" })
    #expect(changes.contains { $0.key == "targets.default.provision" })
    #expect(changes.allSatisfy { $0.takesEffectAtReload })
    #expect(new.atReload(of: old) == new)
  }
}
