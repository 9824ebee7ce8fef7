import Testing

@testable import CertRegCore

/// Texts with placeholders.
@Suite struct PlaceholderTextTests {
  @Test(
    arguments: [
      ("", []), ("a", [.literal("a")]), ("{a}", [.placeholder("a")]),
      ("x-{a}{b}-y", [.literal("x-"), .placeholder("a"), .placeholder("b"), .literal("-y")]),
      ("ä{ü}", [.literal("ä"), .placeholder("ü")]),
    ] as [(String, [PlaceholderText.Piece])])
  func `is cut into its pieces`(_ written: String, _ pieces: [PlaceholderText.Piece]) throws {
    let text = try PlaceholderText(written)
    #expect(text.pieces == pieces && text.text == written)
    let names = pieces.compactMap { if case .placeholder(let name) = $0 { name } else { nil } }
    #expect(text.names == names)
    #expect(try text.filled { "{\($0)}" } == written)
  }

  @Test(
    arguments: [
      ("{", .unpairedBrace), ("}", .unpairedBrace), ("a}b", .unpairedBrace), ("{a", .unpairedBrace),
      ("{a{b}}", .unpairedBrace), ("{a}}", .unpairedBrace), ("{}", .emptyPlaceholder), ("{a}{}", .emptyPlaceholder),
    ] as [(String, PlaceholderText.Fault)])
  func `says what is wrong with braces`(_ written: String, _ fault: PlaceholderText.Fault) {
    #expect(throws: fault) { try PlaceholderText(written) }
  }
}

/// Profiles with the values of requests.
@Suite struct ProvisioningProfileTests {
  private let id = CertificateID(words: (1, 2, 3, 4))

  private func parts(
    thing: String? = "{deviceId}", type: String? = nil, attributes: [String: String] = [:], groups: [String] = [],
    policies: [String] = [], activatesLast: Bool = false, isExclusive: Bool = false, name: String = "p"
  ) throws -> ProvisioningProfile {
    let made = try thing.map { thing in
      ProvisioningProfile.Thing(
        name: try PlaceholderText(thing), type: try type.map { try PlaceholderText($0) },
        attributes: try attributes.sorted { $0.key < $1.key }.map { name, value in
          .init(name: name, value: try PlaceholderText(value))
        },
        groups: try groups.map { try PlaceholderText($0) }, isExclusive: isExclusive)
    }
    return ProvisioningProfile(
      name: name,
      form: .parts(thing: made, policies: try policies.map { try PlaceholderText($0) }, activatesLast: activatesLast))
  }

  private func template(
    _ body: String = "{}", required: [String] = [], thing: ProvisioningProfile.Template.Text? = nil,
    status: ProvisioningProfile.Template.Status = .unknown
  ) -> ProvisioningProfile {
    var template = ProvisioningProfile.Template(file: "/t")
    template.body = body
    template.required = required
    (template.thingName, template.status) = (thing, status)
    return ProvisioningProfile(name: "t", form: .template(template))
  }

  private func values(
    device: String? = "d1", _ attributes: KeyValuePairs<String, String> = [:], commonName: String?? = .none
  ) -> PlaceholderValues {
    PlaceholderValues(
      certificateID: id, deviceID: device.flatMap { DeviceID($0) }, attributes: attributes.map { NamedText($0, $1) },
      certificate: commonName.map { .init(commonName: $0, serialNumber: "0a") })
  }

  private func message(_ fill: () throws -> Provisioning) -> String {
    do {
      _ = try fill()
      return ""
    } catch let error as ServiceError {
      #expect(error.kind == .invalidRequest && error.reason == .invalidProvisioning && !error.retryable)
      return error.message
    } catch { return "\(error)" }
  }

  @Test func `all placeholders get their values, and names come once`() throws {
    let profile = try parts(
      thing: "{deviceId}-{site}", type: "t-{site}", attributes: ["b": "{cn}", "a": "{serialNumber}"],
      groups: ["{site}", "hall", "{site}"], policies: ["{certificateId}", "p", "p"], activatesLast: true,
      isExclusive: true)
    let filled = try profile.filled(with: values(["site": "s", "unused": "{"], commonName: "n"))
    let thing = DeviceParts.Thing(
      name: "d1-s", type: "t-s", attributes: [NamedText("a", "0a"), NamedText("b", "n")], groups: ["s", "hall"],
      isExclusive: true)
    #expect(filled.work == .parts(DeviceParts(thing: thing, policies: [id.hex, "p"], activatesLast: true)))
    #expect(filled.profile == "p" && filled.activatesLast)
    #expect(filled.tag == profile.tag(of: values(["site": "s"])))
  }

  @Test func `a placeholder without a value is named, and where it comes from`() throws {
    func missing(_ name: String, _ values: PlaceholderValues) throws -> String {
      let profile = try parts(thing: "x{\(name)}")
      return message { try profile.filled(with: values) }
    }
    #expect(try missing("deviceId", values(device: nil)).contains("{deviceId}: give `deviceId`"))
    #expect(try missing("site", values()).contains("{site}: give it in `attributes`"))
    #expect(try missing("site", values(["site": ""])).contains("{site}"))
    #expect(try missing("cn", values(commonName: .some(nil))).contains("{cn}: the certificate's subject has no common"))
    #expect(try missing("serialNumber", values()).contains("{serialNumber}"))
  }

  @Test func `an attribute of a built-in name is refused where it would be ignored`() throws {
    let profile = try parts()
    for name in ProvisioningProfile.Builtin.allCases.map(\.rawValue) {
      let values = PlaceholderValues(
        certificateID: id, deviceID: DeviceID("d1"), attributes: [NamedText(name, "x")], certificate: nil)
      #expect(message { try profile.filled(with: values) }.contains("\"\(name)\""))
      #expect(message { try template().filled(with: values) } == "")
    }
  }

  @Test(arguments: [(0, false), (1, true), (128, true), (129, false)])
  func `names have 1 to 128 characters`(_ count: Int, _ isName: Bool) throws {
    let text = String(repeating: "x", count: count)
    for profile in [try parts(thing: text), try parts(thing: "x", groups: [text]), try parts(policies: [text])] {
      let fault = message { try profile.filled(with: values()) }
      #expect(fault.isEmpty == isName && (isName || fault.contains("1 to 128 characters")))
    }
  }

  @Test(
    arguments: [
      ("a:_-9Z", true, false), ("a_+=,.@-9", false, true), ("a/b", false, false), ("a b", false, false),
      ("ä", false, false), ("a\u{0}", false, false),
    ])
  func `names have the characters that AWS IoT takes`(_ text: String, _ isName: Bool, _ isPolicy: Bool) throws {
    for profile in [
      try parts(thing: "{v}"), try parts(thing: "x", type: "{v}"), try parts(thing: "x", groups: ["{v}"]),
    ] {
      #expect(message { try profile.filled(with: values(["v": text])) }.isEmpty == isName)
    }
    let policy = try parts(policies: ["{v}"])
    #expect(message { try policy.filled(with: values(["v": text])) }.isEmpty == isPolicy)
  }

  @Test func `values of a thing's attributes have up to 800 characters of AWS IoT's`() throws {
    let profile = try parts(thing: "x", attributes: ["a": "{v}"])
    for value in ["a_.,@/:#=[]-9", String(repeating: "x", count: 800)] {
      #expect(message { try profile.filled(with: values(["v": value])) } == "")
    }
    for value in ["a b", "ä", "\"", String(repeating: "x", count: 801)] {
      #expect(message { try profile.filled(with: values(["v": value])) }.contains("\"a\""))
    }
  }

  @Test func `a template gets all attributes and the certificate, and needs what has no default`() throws {
    let profile = template(required: ["Site"])
    let filled = try profile.filled(with: values(["Site": "s", "CertificateId": "x", "A": ""]))
    let parameters = [NamedText("A", ""), NamedText("CertificateId", id.hex), NamedText("Site", "s")]
    #expect(filled.work == .template(FilledTemplate(body: "{}", parameters: parameters)))
    #expect(!filled.activatesLast)
    #expect(message { try profile.filled(with: values()) }.contains("\"Site\""))
    #expect(message { try template(required: ["CertificateId"]).filled(with: values()) } == "")
  }

  @Test(arguments: ["a b", "", "a.b", "ä", String(repeating: "x", count: 129)])
  func `a template's thing has a name of AWS IoT`(name: String) throws {
    typealias Text = ProvisioningProfile.Template.Text
    for thing in [.parameter("N", default: "a"), .joined([.literal("x"), .parameter("N", default: nil)], by: "")]
      as [Text]
    {
      let isPrefixed = thing != .parameter("N", default: "a")
      let profile = template(thing: thing)
      let told = message { try profile.filled(with: values(["N": name])) }
      #expect(told.contains("thing name") || isPrefixed && name.isEmpty, "\(told)")
      #expect(message { try profile.filled(with: values(["N": "a:b_c-1"])) } == "")
    }
    #expect(
      message { try template(thing: .parameter("N", default: "a b")).filled(with: values()) }.contains("thing name"))
    #expect(message { try template(thing: .unknown).filled(with: values(["N": name])) } == "")
  }

  @Test func `a template gives no other status than RegisterThing takes`() {
    let profile = template(status: .parameter("S", default: nil))
    #expect(message { try profile.filled(with: values(["S": "REVOKED"])) }.contains("\"REVOKED\""))
    #expect(message { try profile.filled(with: values(["S": "Inactive"])) } == "")
  }

  @Test func `the certificate is read only where a placeholder needs it`() throws {
    #expect(try parts(policies: ["{cn}"]).readsCertificate)
    #expect(try parts(attributes: ["a": "{serialNumber}"]).readsCertificate)
    #expect(try !parts(groups: ["{certificateId}"]).readsCertificate && !template("{cn}").readsCertificate)
  }

  // MARK: Tags

  @Test func `a tag tells values apart that matter, in any order, and no others`() throws {
    let profile = try parts(thing: "{deviceId}", groups: ["{a}", "{b}"])
    let tag = profile.tag(of: values(["a": "1", "b": "2"]))
    #expect(profile.tag(of: values(["b": "2", "a": "1"])) == tag)
    #expect(profile.tag(of: values(["c": "3", "b": "2", "a": "1"], commonName: "n")) == tag)
    let others = [
      values(["a": "2", "b": "1"]), values(["a": "1", "b": "1"]), values(["a": "1"]), values(["a": "12", "b": ""]),
      values(device: "d2", ["a": "1", "b": "2"]), values(device: nil, ["a": "1", "b": "2"]),
    ]
    let tags = Set(others.map { profile.tag(of: $0) } + [tag])
    #expect(tags.count == others.count + 1)
    let nameless = try parts(thing: "x{a}")
    #expect(nameless.tag(of: values(["a": "1"])) == nameless.tag(of: values(device: "d2", ["a": "1"])))
    #expect(template().tag(of: values(["a": "1"])) != template().tag(of: values(["a": "2"])))
  }

  @Test func `profiles that differ in anything have other tags`() throws {
    let profiles = [
      try parts(), try parts(name: "q"), try parts(activatesLast: true), try parts(isExclusive: true),
      try parts(thing: "{deviceId}x"), try parts(thing: nil), try parts(type: "t"), try parts(attributes: ["a": "b"]),
      try parts(attributes: ["ab": ""]), try parts(groups: ["g"]), try parts(policies: ["g"]),
      try parts(groups: ["g", "h"]), try parts(groups: ["gh"]), try parts(groups: ["h", "g"]),
      template(), template("{ }"), template("[]"),
    ]
    #expect(Set(profiles.map { $0.tag(of: values()) }).count == profiles.count)
    var changed = try parts()
    changed.form = try parts(groups: ["g"]).form
    #expect(try changed.tag(of: values()) == parts(groups: ["g"]).tag(of: values()))
  }

  @Test func `the socket's builder gives the same tag`() throws {
    let profile = try parts(thing: "{deviceId}", groups: ["{a}", "{b}"])
    var builder = ProvisioningTag.Builder(fingerprint: profile.fingerprint)
    for (name, value) in [("b", "2"), ("a", "1")] {
      Array(name.utf8).withUnsafeBytes { name in
        Array(value.utf8).withUnsafeBytes { builder.addAttribute(name, $0) }
      }
    }
    Array("d1".utf8).withUnsafeBytes { builder.addDevice($0) }
    #expect(builder.tag == profile.tag(of: values(["a": "1", "b": "2"])) && builder.tag.rawValue != 0)
  }

  @Test func `a value with many bytes takes more of the queue`() throws {
    let small = try parts(thing: "x").filled(with: values()).size
    #expect(try parts(thing: "x", policies: ["12345"]).filled(with: values()).size == small + 5)
    let template = try template("12345").filled(with: values(["a": "123456"])).size
    #expect(try self.template("").filled(with: values()).size == template - 12)
  }
}
