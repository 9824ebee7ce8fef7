import CertRegCore
import CertRegSandbox
import CertRegTesting
import Testing

@Suite struct ThingTests {
  private var register = SandboxRegister(account: SandboxAccount())
  private let now = ManualClock.start

  // MARK: Things

  @Test mutating func `a repeated creation succeeds with the first thing`() throws {
    try register.createType("lamp")
    let first = try register.createThing("t", type: "lamp", attributes: ["a": "1", "empty": ""], id: 7)
    #expect(first.attributes == ["a": "1"] && first.version == 1)
    let again = try register.thingCreation(
      "t", ThingConfiguration(typeName: "lamp", attributes: ["a": "1"]), id: UniqueID(8, 8))
    #expect(again.record == first && again.change == nil)
  }

  @Test(arguments: [
    ThingConfiguration(), ThingConfiguration(typeName: "lamp"), ThingConfiguration(attributes: ["a": "1"]),
    ThingConfiguration(typeName: "lamp", attributes: ["a": "2"]),
    ThingConfiguration(typeName: "lamp", attributes: ["a": "1", "b": "1"]),
    ThingConfiguration(typeName: "other", attributes: ["a": "1"]),
  ])
  mutating func `a creation with another configuration names the thing that is there`(
    configuration: ThingConfiguration
  ) throws {
    try register.createType("lamp")
    let thing = try register.createThing("t", type: "lamp", attributes: ["a": "1"])
    let register = register
    let error = expectError(.resourceAlreadyExists) {
      _ = try register.thingCreation("t", configuration, id: UniqueID(8, 8))
    }
    #expect(error?.resourceID == thing.id.description)
    #expect(error?.resourceARN == "arn:aws:iot:eu-central-1:123456789012:thing/t")
  }

  @Test(
    arguments: [(nil, 3, true), (nil, 4, false), ("lamp", 50, true), ("lamp", 51, false)] as [(String?, Int, Bool)])
  mutating func `limits attributes`(type: String?, count: Int, isAllowed: Bool) throws {
    try register.createType("lamp")
    let attributes = Dictionary(uniqueKeysWithValues: (0..<count).map { ("a\($0)", "v") })
    let configuration = ThingConfiguration(typeName: type, attributes: attributes)
    let id = UniqueID(1, 1)
    if isAllowed {
      _ = try register.thingCreation("t", configuration, id: id)
    } else {
      let register = register
      expectError(.invalidRequest) { _ = try register.thingCreation("t", configuration, id: id) }
    }
    try register.createThing("u", type: type)
    var update = ThingUpdate()
    update.attributes = attributes
    let subject = register
    if isAllowed {
      _ = try subject.thingUpdate("u", update)
    } else {
      expectError(.invalidRequest) { _ = try subject.thingUpdate("u", update) }
    }
  }

  @Test mutating func `an update replaces or merges attributes, and counts versions`() throws {
    try register.createThing("t", attributes: ["a": "1", "b": "2"])
    var update = ThingUpdate()
    update.attributes = ["b": "", "c": "3"]
    update.mergesAttributes = true
    let merged = register.make(try register.thingUpdate("t", update))
    #expect(merged.attributes == ["a": "1", "c": "3"] && merged.version == 2)
    update.mergesAttributes = false
    update.expectedVersion = 2
    let replaced = register.make(try register.thingUpdate("t", update))
    #expect(replaced.attributes == ["c": "3"] && replaced.version == 3)
    let subject = register
    expectError(.versionConflict) { _ = try subject.thingUpdate("t", update) }
    expectError(.resourceNotFound) { _ = try subject.thingUpdate("none", update) }
    #expect(register.make(try register.thingUpdate("t", ThingUpdate())).attributes == ["c": "3"])
  }

  @Test mutating func `an update sets and removes the type`() throws {
    try register.createType("lamp")
    try register.createThing("t")
    var update = ThingUpdate()
    update.typeName = "lamp"
    #expect(register.make(try register.thingUpdate("t", update)).typeName == "lamp")
    update.removesType = true
    let both = (register, update)
    expectError(.invalidRequest) { _ = try both.0.thingUpdate("t", both.1) }
    update.typeName = nil
    #expect(register.make(try register.thingUpdate("t", update)).typeName == nil)
    update.removesType = false
    update.typeName = "none"
    let missing = (register, update)
    expectError(.resourceNotFound) { _ = try missing.0.thingUpdate("t", missing.1) }
  }

  @Test mutating func `deletes things that no principal has, and those that are not there`() throws {
    try register.register(certificate(1))
    try register.createGroup("g")
    try register.createThing("t")
    register.make(try register.addition(ofThing: "t", toGroup: "g"))
    register.make(try register.attachment(of: .certificate(1), toThing: "t", .nonExclusiveThing))
    let attached = register
    expectError(.invalidRequest) { _ = try attached.thingDeletion("t", expectedVersion: nil) }
    expectError(.versionConflict) { _ = try attached.thingDeletion("t", expectedVersion: 2) }
    register.make(try register.detachment(of: .certificate(1), fromThing: "t"))
    register.make(try register.thingDeletion("t", expectedVersion: 1))
    #expect(try register.thingDeletion("t", expectedVersion: 1) == nil)
    #expect(try register.things(inGroup: "g", recursive: false, PageRequest(size: 5)).elements.isEmpty)
    #expect(register.things.isEmpty)
  }

  @Test mutating func `lists things by type and attribute`() throws {
    try register.createType("lamp")
    try register.createThing("a", type: "lamp", attributes: ["site": "north", "x": "1"])
    try register.createThing("b", attributes: ["site": "south"])
    try register.createThing("c", type: "lamp", attributes: ["site": "nowhere"])
    func names(
      name: String? = nil, value: String? = nil, prefix: Bool = false, type: String? = nil
    ) -> [String] {
      var filter = ThingFilter()
      filter.attributeName = name
      filter.attributeValue = value
      filter.isPrefix = prefix
      filter.typeName = type
      return register.things(PageRequest(size: 25), filter).elements.map(\.name)
    }
    #expect(names() == ["a", "b", "c"])
    #expect(names(type: "lamp") == ["a", "c"])
    #expect(names(type: "none") == [])
    #expect(names(name: "site", value: "south") == ["b"])
    #expect(names(name: "site", value: "no", prefix: true) == ["a", "c"])
    #expect(names(name: "site", value: "no") == [])
    #expect(names(name: "x") == ["a"])
    #expect(names(value: "nowhere", type: "lamp") == ["c"])
  }

  // MARK: Types

  @Test mutating func `a repeated creation of a type succeeds, and another one conflicts`() throws {
    try register.createType("lamp", searchable: ["a"])
    try register.createType("lamp", searchable: ["a"])
    #expect(register.thingTypes.count == 1)
    let subject = register
    let error = expectError(.resourceAlreadyExists) {
      _ = try subject.thingTypeCreation("lamp", ThingTypeProperties(), id: UniqueID(1, 1), at: ManualClock.start)
    }
    #expect(error?.resourceARN == "arn:aws:iot:eu-central-1:123456789012:thingtype/lamp")
    expectError(.invalidRequest) {
      let properties = ThingTypeProperties(searchableAttributes: ["a", "b", "c", "d"])
      _ = try subject.thingTypeCreation("many", properties, id: UniqueID(1, 1), at: ManualClock.start)
    }
  }

  @Test mutating func `a deprecated type takes no things, and can be used again`() throws {
    try register.createType("lamp")
    try register.createThing("before", type: "lamp")
    register.make(try register.thingTypeDeprecation("lamp", undo: false, at: now))
    #expect(try register.thingTypeDeprecation("lamp", undo: false, at: now + .seconds(1)) == nil)
    #expect(try register.thingType("lamp").deprecatedAt == now)
    var update = ThingUpdate()
    update.typeName = "lamp"
    try register.createThing("plain")
    let (subject, change) = (register, update)
    expectError(.invalidRequest) {
      _ = try subject.thingCreation("t", ThingConfiguration(typeName: "lamp"), id: UniqueID(1, 1))
    }
    expectError(.invalidRequest) { _ = try subject.thingUpdate("plain", change) }
    // A thing that has the type keeps it.
    _ = try register.thingUpdate("before", update)
    register.make(try register.thingTypeDeprecation("lamp", undo: true, at: now))
    try register.createThing("after", type: "lamp")
    expectError(.resourceNotFound) { _ = try subject.thingTypeDeprecation("none", undo: false, at: ManualClock.start) }
  }

  @Test mutating func `deletes a type five minutes after its deprecation, when no thing has it`() throws {
    try register.createType("lamp")
    try register.createThing("t", type: "lamp")
    func deletion(_ register: SandboxRegister, after seconds: Int64) throws -> RegisterChange {
      try register.thingTypeDeletion("lamp", at: ManualClock.start + .seconds(seconds))
    }
    var subject = register
    expectError(.invalidRequest) { _ = try deletion(subject, after: 600) }
    register.make(try register.thingTypeDeprecation("lamp", undo: false, at: now))
    subject = register
    expectError(.invalidRequest) { _ = try deletion(subject, after: 600) }
    register.make(try register.thingDeletion("t", expectedVersion: nil))
    subject = register
    expectError(.invalidRequest) { _ = try deletion(subject, after: 299) }
    register.make(try deletion(register, after: 300))
    subject = register
    expectError(.resourceNotFound) { _ = try deletion(subject, after: 300) }
  }

  @Test mutating func `lists the types whose names begin alike`() throws {
    for name in ["lamp-1", "door", "lamp-2"] { try register.createType(name) }
    #expect(register.thingTypes(PageRequest(size: 25), prefix: "").elements.count == 3)
    #expect(register.thingTypes(PageRequest(size: 25), prefix: "lamp").elements.map(\.name) == ["lamp-1", "lamp-2"])
  }
}
