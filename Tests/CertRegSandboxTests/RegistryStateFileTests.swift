import CertRegCodec
import CertRegCore
import CertRegTesting
import Testing

@testable import CertRegSandbox

/// Things, groups and policies in the state file.
@Suite struct RegistryStateFileTests {
  private let folder: TemporaryFolder
  private let account = SandboxAccount()

  init() throws {
    folder = try TemporaryFolder()
  }

  private var path: String { folder.path("register.jsonl") }

  /// One change of every kind that adds something, then of every kind that removes something.
  private static let additions: [RegisterChange] = {
    let properties = ThingTypeProperties(
      description: "a \"lamp\"", searchableAttributes: ["x"],
      mqtt5Configuration: .object(of: ["propagatingAttributes": .array([])]))
    return [
      .register(
        RegisteredCertificate(
          id: certificate(1).id, der: certificate(1).der, status: .active, createdAt: ManualClock.start,
          lastModifiedAt: ManualClock.start, notBefore: ManualClock.start, notAfter: ManualClock.start,
          generationID: UniqueID(1, 2))),
      .setThingType(
        ThingType(
          name: "lamp", id: UniqueID(3, 4), properties: properties, createdAt: ManualClock.start,
          deprecatedAt: ManualClock.start + .milliseconds(1))),
      .setThingType(
        ThingType(name: "door", id: UniqueID(3, 5), properties: ThingTypeProperties(), createdAt: ManualClock.start)),
      .setThingGroup(ThingGroup(name: "hall", id: UniqueID(5, 6), createdAt: ManualClock.start)),
      .setThingGroup(
        ThingGroup(
          name: "desk", id: UniqueID(7, 8), parentName: "hall", description: "d", attributes: ["a": "1"],
          createdAt: ManualClock.start)),
      .setPolicy(
        Policy(name: "p", document: policyDocument, createdAt: ManualClock.start, generationID: UniqueID(9, 10))),
      .setThing(
        Thing(name: "t", id: UniqueID(11, 12), typeName: "lamp", attributes: ["b": "2", "c": "3"], version: 4)),
      .setThing(Thing(name: "u", id: UniqueID(13, 14), typeName: nil, attributes: [:], version: 1)),
      .addToGroup(thingName: "t", groupName: "desk"),
      .attachPolicy(name: "p", .certificate(1)),
      .attachPolicy(name: "p", .thingGroup(name: "hall")),
      .attachPolicy(name: "p", .identity("eu-central-1:6c4b7e3a-0000-1000-8000-0123456789ab")),
      .attachPrincipal(.certificate(1), thingName: "t", .exclusiveThing),
      .attachPrincipal(
        .identity("eu-central-1:6c4b7e3a-0000-1000-8000-0123456789ab"), thingName: "u", .nonExclusiveThing),
    ]
  }()

  private static let removals: [RegisterChange] = [
    .detachPrincipal(.certificate(1), thingName: "t"), .detachPolicy(name: "p", .thingGroup(name: "hall")),
    .removeFromGroup(thingName: "t", groupName: "desk"), .deleteThing(name: "t"), .deleteThingType(name: "lamp"),
    .deleteThingGroup(name: "desk"), .deletePolicy(name: "p"),
  ]

  private func write(_ changes: [RegisterChange]) throws {
    var (file, register) = try StateFile.open(path: path, account: account)
    for change in changes {
      try file.append(change)
      let fits = register.apply(change)
      #expect(fits, "\(change)")
    }
  }

  private func changes(_ register: SandboxRegister) -> [RegisterChange] {
    var changes: [RegisterChange] = []
    register.forEachChange { changes.append($0) }
    #expect(changes.count == register.changeCount)
    return changes
  }

  @Test func `a new start reads every kind of change, to the last member`() throws {
    try write(Self.additions)
    let register = try StateFile.open(path: path, account: account).register
    #expect(Set(changes(register)) == Set(Self.additions))
    try write(Self.removals)
    let rest = try StateFile.open(path: path, account: account).register
    #expect(rest.things.elements.map(\.key) == ["u"] && rest.thingTypes.elements.map(\.key) == ["door"])
    #expect(rest.thingGroups.elements.map(\.key) == ["hall"] && rest.policies.isEmpty)
    #expect(rest.changeCount == 5)
  }

  @Test func `a compacted file has the same register`() throws {
    try write(Self.additions)
    let updates = (0..<200).map { version in
      RegisterChange.setThing(
        Thing(name: "u", id: UniqueID(13, 14), typeName: "lamp", attributes: ["n": "\(version)"], version: version + 1))
    }
    try write(updates)
    let long = try StateFile.open(path: path, account: account).register
    let lines = try folder.read("register.jsonl").count { $0 == UInt8(ascii: "\n") }
    #expect(lines == Self.additions.count + 1)
    let compact = try StateFile.open(path: path, account: account).register
    #expect(changes(compact) == changes(long))
    #expect(try compact.thing("u").attributes == ["n": "199"])
  }

  @Test(arguments: [
    #"{"change":"setThing","thing":"t"}"#, #"{"change":"deletePolicy"}"#,
    #"{"change":"attachPolicy","policy":"p","target":"thing/t"}"#,
    #"{"change":"attachPrincipal","principal":"cert/00","thing":"t","type":"EXCLUSIVE_THING"}"#,
  ])
  func `a line with a damaged member is refused`(line: String) throws {
    try refuses(line, "a member is missing or damaged")
  }

  @Test func `no member of a line may have another type`() throws {
    try write(Self.additions + Self.removals)
    let lines = try folder.read("register.jsonl").split(separator: UInt8(ascii: "\n")).dropFirst()
    #expect(lines.count == Self.additions.count + Self.removals.count)
    var count = 0
    for line in lines {
      let members = try #require(try JSONValue(parsing: line).members)
      for index in members.indices {
        var damaged = members
        damaged[index] = JSONValue.Member(
          members[index].name, members[index].name == "version" ? .string("x") : .integer(7))
        let text = JSONValue.object(damaged).jsonBytes
        #expect(throws: StateLineError.self, "\(String(decoding: text, as: UTF8.self))") {
          try StateLine.change(text[...])
        }
        count += 1
      }
    }
    #expect(count > 60)
  }

  @Test(arguments: ["0", "-1", "9007199254740993", "9223372036854775807"])
  func `a version that updates could not count on is damage`(version: String) throws {
    let id = UniqueID(1, 2).description
    try refuses(
      #"{"attributes":{},"change":"setThing","id":"\#(id)","thing":"t","version":\#(version)}"#,
      "a member is missing or damaged")
  }

  @Test(arguments: [
    #"{"change":"deleteThing","thing":"none"}"#, #"{"change":"addToGroup","group":"hall","thing":"none"}"#,
    #"{"change":"attachPolicy","policy":"p","target":"thinggroup/none"}"#,
    #"{"change":"deleteThingGroup","group":"hall"}"#, #"{"change":"deleteThingType","type":"lamp"}"#,
    #"{"change":"detachPolicy","policy":"p","target":"thinggroup/desk"}"#,
  ])
  func `a line that does not fit is refused`(line: String) throws {
    try refuses(line, "it does not fit those before it")
  }

  private func refuses(_ line: String, _ reason: String) throws {
    try write(Self.additions)
    let whole = try folder.read("register.jsonl")
    try folder.write(whole + Array("\(line)\n".utf8), to: "register.jsonl")
    let error = #expect(throws: StateFileError.self) { try StateFile.open(path: path, account: account) }
    #expect(error?.code == .damaged)
    #expect(error?.message.contains(": line \(Self.additions.count + 2) cannot be used: \(reason)") == true)
  }

  @Test func `an endpoint continues with the things of an earlier one`() throws {
    for (target, body) in [
      ("POST /things/t", #"{"attributePayload":{"attributes":{"a":"1"}}}"#),
      ("POST /thing-groups/g", ""),
      ("PUT /thing-groups/addThingToThingGroup", #"{"thingGroupName":"g","thingName":"t"}"#),
      ("POST /things/t", #"{"attributePayload":{"attributes":{"a":"1"}}}"#), ("GET /thing-groups/g/things", ""),
    ] {
      let endpoint = SandboxEndpoint(
        SandboxConfiguration(), judge: StubJudge(), stateFile: try StateFile.open(path: path, account: account),
        clock: ManualClock.atStart().clock, seed: 1)
      let parts = target.split(separator: " ").map(String.init)
      let response = endpoint.answer(SandboxRequest(method: parts[0], target: parts[1], body: Array(body.utf8)))
        .response
      #expect(response?.status == 200, "\(target)")
      if parts[0] == "GET" {
        #expect(response.map { String(decoding: $0.body, as: UTF8.self) } == #"{"things":["t"]}"#)
      }
    }
  }
}
