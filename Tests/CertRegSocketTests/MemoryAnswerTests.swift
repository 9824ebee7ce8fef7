import CertRegCore
import CertRegProtocol
import Testing

@testable import CertRegSocket

/// Which `register` requests the loops answer themselves, and with which `provisioning`.
@Suite struct MemoryAnswerTests {
  private static let id = CertificateID(words: (1, 2, 3, 4))
  private static let resources = DeviceResources(
    thingName: "pump-7", thingARN: "arn:aws:iot:eu-central-1:123456789012:thing/pump-7", policies: ["p"],
    groups: ["hall-7"])
  private static let device =
    #","provisioning":{"profile":"sensors","thingName":"pump-7","#
    + #""thingArn":"arn:aws:iot:eu-central-1:123456789012:thing/pump-7","policies":["p"],"groups":["hall-7"]}}"#

  /// A profile that uses `deviceId` and the attributes `site` and `hall`.
  private static func sensors() throws -> ProvisioningProfile {
    let thing = ProvisioningProfile.Thing(
      name: try PlaceholderText("{deviceId}"),
      attributes: [ProvisioningProfile.Attribute(name: "site", value: try PlaceholderText("{site}-{cn}"))],
      groups: [try PlaceholderText("hall-{hall}")])
    return ProvisioningProfile(name: "sensors", form: .parts(thing: thing, policies: [], activatesLast: false))
  }

  private static func template() -> ProvisioningProfile {
    var template = ProvisioningProfile.Template(file: "/t.json")
    template.body = "{}"
    return ProvisioningProfile(name: "sensors", form: .template(template))
  }

  private static func values(_ attributes: [NamedText], deviceID: String? = "pump-7") -> PlaceholderValues {
    PlaceholderValues(
      certificateID: id, deviceID: deviceID.flatMap { DeviceID($0) }, attributes: attributes, certificate: nil)
  }

  private static func known(_ tag: ProvisioningTag?, _ status: CertificateStatus = .active) -> KnownAnswer {
    var entry = ResultTable.Entry()
    entry.certificateID = id
    entry.target = 1
    entry.deviceTag = DeviceID("pump-7")?.tag ?? .none
    entry.status = status
    return KnownAnswer(
      entry: entry, arnPrefix: "arn:cert/", epoch: 0, answerableFrom: 0, expiresAt: .max,
      provisioned: tag.map { Provisioned(profile: "sensors", tag: $0, resources: resources) })
  }

  /// A result without a profile whose ARN is long, so that an answer has 4,000 bytes.
  static func knownWithLongARN() -> KnownAnswer {
    var known = known(nil)
    known.arnPrefix = String(repeating: "x", count: 4000)
    return known
  }

  /// The answers to requests with these members, each asked for twice: from the result cache and, if it is known there,
  /// from the memo. `nil` stands for a request that was handed on.
  private func answers(
    _ members: [String], profile: ProvisioningProfile?, tag: ProvisioningTag?, status: CertificateStatus = .active
  ) async throws -> [String?] {
    let handler = ScriptedHandler()
    handler.answersAtOnce = true
    handler.known = Self.known(tag, status)
    var configuration = SocketConfiguration()
    configuration.defaultTarget = SocketConfiguration.Target("default", number: 1, profile: profile)
    configuration.targets = [
      configuration.defaultTarget, SocketConfiguration.Target("plain", number: 2),
      SocketConfiguration.Target("other", number: 3, profile: profile),
    ]
    return try await withServer(configuration, handler: handler) { server, _ in
      let client = try TestClient(server.path)
      defer { client.close() }
      return members.map { members in
        let answers = (1...2).map { _ -> String in
          client.write(#"{"id":1,"certificatePem":"x"\#(members)}"# + "\n")
          return client.read(lines: 1)
        }
        #expect(answers[0] == answers[1], "\(members)")
        return answers[0].contains("certificateArn") ? String(answers[0].dropLast()) : nil
      }
    }
  }

  @Test func `an ARN begins as its own result's does, also where the number stood for another beginning before`()
    async throws
  {
    let handler = ScriptedHandler()
    handler.answersAtOnce = true
    var configuration = SocketConfiguration()
    configuration.defaultTarget = SocketConfiguration.Target("default", number: 1)
    configuration.targets = [configuration.defaultTarget]
    let answers = try await withServer(configuration, handler: handler) { server, _ in
      let client = try TestClient(server.path)
      defer { client.close() }
      return ["arn:one:cert/", "arn:two:cert/"].flatMap { prefix in
        var known = Self.known(nil)
        known.arnPrefix = prefix
        handler.known = known
        return (1...2).map { _ in
          client.write(#"{"certificatePem":"\#(prefix)"}"# + "\n")
          return client.read(lines: 1).contains(#""certificateArn":"\#(prefix)\#(Self.id.hex)""#)
        }
      }
    }
    #expect(answers == [true, true, true, true])
  }

  private let plain =
    #"{"id":1,"certificateArn":"arn:cert/\#(MemoryAnswerTests.id.hex)","certificateId":"\#(MemoryAnswerTests.id.hex)","#
    + #""outcome":"created","status":"ACTIVE","cached":true,"target":"default"}"#
  private var withDevice: String { plain.dropLast() + Self.device }
  private let device = #","deviceId":"pump-7""#

  @Test func `answers a request that gives the profile the same values`() async throws {
    let profile = try Self.sensors()
    let tag = profile.tag(of: Self.values([NamedText("site", "é7"), NamedText("hall", "1")]))
    let members = [
      #""attributes":{"site":"é7","hall":"1"}"#, #""attributes":{"hall":"1","site":"é7"}"#,
      #""attributes": { "unused" : "\n" , "site" : "é7" , "hall":"1" }"#,
      #""status":"ACTIVE","attributes":{"site":"é7","hall":"1"}"#,
      #""target":"default","attributes":{"site":"é7","hall":"1"}"#,
    ]
    let answers = try await answers(members.map { device + "," + $0 }, profile: profile, tag: tag)
    #expect(answers == members.map { _ in withDevice })
  }

  @Test func `hands on what the known device may not fit, and what a worker has to judge`() async throws {
    let profile = try Self.sensors()
    let tag = profile.tag(of: Self.values([NamedText("site", "7"), NamedText("hall", "1")]))
    let long = ["a", "b", "c", "d", "e"].map { #","\#($0)":"\#(String(repeating: "x", count: 4000))"# + "\"" }.joined()
    let members = [
      // Another value, a missing one, values for each other's names.
      #"\#(device),"attributes":{"site":"8","hall":"1"}"#, #"\#(device),"attributes":{"site":"7"}"#, device,
      #"\#(device),"attributes":{}"#, #"\#(device),"attributes":{"site":"1","hall":"7"}"#,
      // No device, another one, or one with escapes.
      #","attributes":{"site":"7","hall":"1"}"#, #","deviceId":"pump-8","attributes":{"site":"7","hall":"1"}"#,
      #","deviceId":"pump\u002d7","attributes":{"site":"7","hall":"1"}"#,
      // Escapes, other characters in names, names of placeholders, much text.
      #"\#(device),"attributes":{"site":"\u0037","hall":"1"}"#,
      #"\#(device),"attributes":{"s\u0069te":"7","hall":"1"}"#,
      #"\#(device),"attributes":{"site":"7","hall":"1","é":""}"#,
      #"\#(device),"attributes":{"site":"7","hall":"1","cn":"x"}"#,
      #"\#(device),"attributes":{"site":"7","hall":"1"\#(long)}"#,
      // A named profile, even the target's own; what memory never answers.
      #"\#(device),"provision":"sensors","attributes":{"site":"7","hall":"1"}"#,
      #"\#(device),"refresh":true,"attributes":{"site":"7","hall":"1"}"#,
      #"\#(device),"ifExists":"error","attributes":{"site":"7","hall":"1"}"#,
      #"\#(device),"ifExists":"update","status":"ACTIVE","attributes":{"site":"7","hall":"1"}"#,
      #"\#(device),"status":"INACTIVE","attributes":{"site":"7","hall":"1"}"#,
    ]
    let answers = try await answers(members, profile: profile, tag: tag)
    for (members, answer) in zip(members, answers) { #expect(answer == nil, "\(members)") }
  }

  @Test func `tells nothing of a device where none is asked for`() async throws {
    let profile = try Self.sensors()
    let tag = profile.tag(of: Self.values([NamedText("site", "7"), NamedText("hall", "1")]))
    let answers = try await answers(
      [
        #","provision":null"#, #","provision":null,"attributes":{"site":"8"}"#, #","target":"plain""#,
        #","target":"plain","attributes":{"cn":"x"}"#,
        #","target":"other","attributes":{"site":"7","hall":"1"},"deviceId":"pump-7""#,
      ], profile: profile, tag: tag)
    let ofPlain = plain.replacing(#""target":"default""#, with: #""target":"plain""#)
    let ofOther = withDevice.replacing(#""target":"default""#, with: #""target":"other""#)
    #expect(answers == [plain, plain, ofPlain, ofPlain, ofOther])
  }

  @Test func `hands on a request for a device if none was made, and answers one for none`() async throws {
    let answers = try await answers(
      [#"\#(device),"attributes":{"site":"7","hall":"1"}"#, #","provision":null"#], profile: try Self.sensors(),
      tag: nil)
    #expect(answers == [nil, plain])
    #expect(try await self.answers([""], profile: nil, tag: nil) == [plain])
  }

  @Test(arguments: [false, true], [CertificateStatus.active, .inactive, .revoked])
  func `a profile that activates last is answered while the certificate is active`(
    _ activatesLast: Bool, _ status: CertificateStatus
  ) async throws {
    let thing = ProvisioningProfile.Thing(name: try PlaceholderText("{deviceId}"), attributes: [], groups: [])
    let profile = ProvisioningProfile(
      name: "sensors", form: .parts(thing: thing, policies: [], activatesLast: activatesLast))
    let answers = try await answers(
      [device], profile: profile, tag: profile.tag(of: Self.values([])), status: status)
    #expect((answers[0] != nil) == (!activatesLast || status == .active))
  }

  @Test func `every attribute counts for a template, also one with the name of a placeholder`() async throws {
    let profile = Self.template()
    let tag = profile.tag(of: Self.values([NamedText("a", "1"), NamedText("cn", "2")], deviceID: nil))
    let answers = try await answers(
      [
        #","attributes":{"a":"1","cn":"2"}"#, #","attributes":{"cn":"2","a":"1"}"#, #","attributes":{"a":"1"}"#, "",
        #","attributes":{"a":"1","cn":"2","b":""}"#, #","attributes":{"a":"1","cn":"\u0032"}"#,
      ], profile: profile, tag: tag)
    #expect(answers == [withDevice, withDevice, nil, nil, nil, nil])
  }

  @Test func `a device with a long text is left to the workers`() async throws {
    let profile = Self.template()
    let handler = ScriptedHandler()
    handler.answersAtOnce = true
    handler.known = Self.known(profile.tag(of: Self.values([], deviceID: nil)))
    handler.known?.provisioned?.resources.policies = (0..<50).map { "\($0)" + String(repeating: "p", count: 120) }
    var configuration = SocketConfiguration()
    configuration.defaultTarget = SocketConfiguration.Target("default", number: 1, profile: profile)
    try await withServer(configuration, handler: handler) { server, handler in
      let client = try TestClient(server.path)
      client.write(#"{"id":7,"certificatePem":"x"}"# + "\n")
      #expect(client.read(lines: 1) == "{\"id\":7,\"n\":7}\n")
      client.write(#"{"id":8,"certificatePem":"x","provision":null}"# + "\n")
      #expect(client.read(lines: 1).contains("certificateArn"))
      #expect(handler.requests.count == 1)
    }
  }

  @Test func `a request that is handed on has its profile and its attributes`() async throws {
    let handler = ScriptedHandler()
    handler.answersAtOnce = true
    try await withServer(handler: handler) { server, handler in
      let client = try TestClient(server.path)
      for members in [
        "", #","provision":null,"attributes":{}"#, #","provision":"s\u00e9","attributes":{"b":"1\n","\u0061":"é"}"#,
      ] {
        client.write(#"{"id":1,"certificatePem":"x"\#(members)}"# + "\n")
        #expect(client.read(lines: 1) == "{\"id\":1,\"n\":1}\n")
      }
      #expect(handler.requests.map(\.profile) == [.default, .none, .named("sé")])
      #expect(handler.requests.map(\.attributes) == [[], [], [NamedText("b", "1\n"), NamedText("a", "é")]])
    }
  }
}
