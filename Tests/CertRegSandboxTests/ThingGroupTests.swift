import CertRegCore
import CertRegSandbox
import CertRegTesting
import Testing

@Suite struct ThingGroupTests {
  private var register = SandboxRegister(account: SandboxAccount())

  /// `a` with `a1` (with `a11`, `a12`) and `a2` below it, and `b`.
  private mutating func createTree() throws {
    for (name, parent) in [
      ("a", nil), ("a1", "a"), ("b", nil), ("a2", "a"), ("a11", "a1"), ("a12", "a1"),
    ] as [(String, String?)] { try register.createGroup(name, below: parent) }
  }

  @Test mutating func `a repeated creation succeeds, and another one conflicts`() throws {
    try createTree()
    try register.createGroup("a1", below: "a")
    #expect(register.thingGroups.count == 6)
    let subject = register
    for configuration in [
      ThingGroupConfiguration(), ThingGroupConfiguration(parentName: "b"),
      ThingGroupConfiguration(parentName: "a", description: "d"),
      ThingGroupConfiguration(parentName: "a", attributes: ["x": "1"]),
    ] {
      let error = expectError(.resourceAlreadyExists) {
        _ = try subject.thingGroupCreation("a1", configuration, id: UniqueID(1, 1), at: ManualClock.start)
      }
      #expect(error?.resourceARN == "arn:aws:iot:eu-central-1:123456789012:thinggroup/a1")
    }
  }

  @Test mutating func `knows the groups above a group, the root first`() throws {
    try createTree()
    #expect(register.ancestors(of: try register.thingGroup("a12")).map(\.name) == ["a", "a1"])
    #expect(register.ancestors(of: try register.thingGroup("b")).isEmpty)
  }

  @Test mutating func `limits levels, children and attributes`() throws {
    try register.createGroup("level 1")
    for level in 2...7 { try register.createGroup("level \(level)", below: "level \(level - 1)") }
    for number in 0..<99 { try register.createGroup("child \(number)", below: "level 2") }
    let subject = register
    func create(_ configuration: ThingGroupConfiguration) throws {
      _ = try subject.thingGroupCreation("new", configuration, id: UniqueID(1, 1), at: ManualClock.start)
    }
    expectError(.invalidRequest) { try create(ThingGroupConfiguration(parentName: "level 7")) }
    expectError(.invalidRequest) { try create(ThingGroupConfiguration(parentName: "level 2")) }
    expectError(.invalidRequest) { try create(ThingGroupConfiguration(parentName: "none")) }
    expectError(.invalidRequest) {
      try create(
        ThingGroupConfiguration(attributes: Dictionary(uniqueKeysWithValues: (0..<51).map { ("\($0)", "v") })))
    }
    try create(ThingGroupConfiguration(parentName: "level 3"))
  }

  @Test mutating func `deletes groups without children, and those that are not there`() throws {
    try createTree()
    try register.createThing("t")
    try register.createPolicy("p")
    register.make(try register.addition(ofThing: "t", toGroup: "a11"))
    register.make(try register.attachment(ofPolicy: "p", to: .thingGroup(name: "a11")))
    let subject = register
    expectError(.invalidRequest) { _ = try subject.thingGroupDeletion("a1", expectedVersion: nil) }
    expectError(.versionConflict) { _ = try subject.thingGroupDeletion("a11", expectedVersion: 2) }
    register.make(try register.thingGroupDeletion("a11", expectedVersion: 1))
    #expect(try register.thingGroupDeletion("a11", expectedVersion: 1) == nil)
    #expect(try register.groups(ofThing: "t", PageRequest(size: 5)).elements.isEmpty)
    register.make(try register.policyDeletion("p"))
  }

  // MARK: Things

  @Test mutating func `a thing is in ten groups at most, and in one of each hierarchy`() throws {
    try createTree()
    try register.createThing("t")
    register.make(try register.addition(ofThing: "t", toGroup: "a11"))
    #expect(try register.addition(ofThing: "t", toGroup: "a11") == nil)
    var subject = register
    for name in ["a", "a1", "a2", "a12"] {
      expectError(.invalidRequest) { _ = try subject.addition(ofThing: "t", toGroup: name) }
    }
    expectError(.resourceNotFound) { _ = try subject.addition(ofThing: "t", toGroup: "none") }
    expectError(.resourceNotFound) { _ = try subject.addition(ofThing: "none", toGroup: "b") }
    for number in 0..<9 {
      try register.createGroup("g\(number)")
      register.make(try register.addition(ofThing: "t", toGroup: "g\(number)"))
    }
    subject = register
    expectError(.invalidRequest) { _ = try subject.addition(ofThing: "t", toGroup: "b") }
    register.make(try register.removal(ofThing: "t", fromGroup: "g3"))
    #expect(try register.removal(ofThing: "t", fromGroup: "g3") == nil)
    register.make(try register.addition(ofThing: "t", toGroup: "b"))
    #expect(try register.groups(ofThing: "t", PageRequest(size: 4)).elements == ["a", "a1", "b", "a11"])
    #expect(try register.groups(ofThing: "t", PageRequest(size: 20)).elements.count == 12)
  }

  @Test(arguments: 1...9)
  mutating func `lists the things of a hierarchy page by page`(size: Int) throws {
    try createTree()
    var expected: [String] = []
    for group in ["a", "a1", "a2", "a12"] {
      for number in 0..<3 {
        let name = "\(group)-\(number)"
        try register.createThing(name)
        register.make(try register.addition(ofThing: name, toGroup: group))
        expected.append(name)
      }
    }
    try register.createThing("elsewhere")
    register.make(try register.addition(ofThing: "elsewhere", toGroup: "b"))
    var names: [String] = []
    var marker: PageMarker?
    repeat {
      let page = try register.things(inGroup: "a", recursive: true, PageRequest(size: size, after: marker))
      #expect(page.elements.count <= size)
      names += page.elements
      marker = page.next
    } while marker != nil
    #expect(names == expected)
    #expect(try register.things(inGroup: "a", recursive: false, PageRequest(size: 25)).elements.count == 3)
  }

  @Test(arguments: 1...4)
  mutating func `lists groups by parent and name`(size: Int) throws {
    try createTree()
    func names(below parent: String?, recursive: Bool, prefix: String = "") throws -> [String] {
      var names: [String] = []
      var marker: PageMarker?
      repeat {
        let page = try register.groups(
          below: parent, recursive: recursive, prefix: prefix, PageRequest(size: size, after: marker))
        names += page.elements
        marker = page.next
      } while marker != nil
      return names
    }
    #expect(try names(below: nil, recursive: true) == ["a", "a1", "b", "a2", "a11", "a12"])
    #expect(try names(below: nil, recursive: false) == ["a", "b"])
    #expect(try names(below: "a", recursive: false) == ["a1", "a2"])
    #expect(try names(below: "a", recursive: true) == ["a1", "a2", "a11", "a12"])
    #expect(try names(below: "a1", recursive: true) == ["a11", "a12"])
    #expect(try names(below: nil, recursive: true, prefix: "a1") == ["a1", "a11", "a12"])
    #expect(try names(below: "a", recursive: true, prefix: "a2") == ["a2"])
    #expect(try names(below: "b", recursive: true) == [])
  }

  @Test mutating func `a page goes through a bounded number of groups`() throws {
    try register.createGroup("root")
    for number in 0..<15 {
      try register.createGroup("a\(number)", below: "root")
      for child in 0..<99 { try register.createGroup("a\(number)-\(child)", below: "a\(number)") }
    }
    try register.createGroup("last", below: "root")
    try register.createThing("t")
    register.make(try register.addition(ofThing: "t", toGroup: "last"))
    let groups = try register.groups(below: "root", recursive: true, prefix: "last", PageRequest(size: 5))
    #expect(groups.elements.isEmpty && groups.next != nil)
    let otherGroups = try register.groups(
      below: "root", recursive: true, prefix: "last", PageRequest(size: 5, after: groups.next))
    #expect(otherGroups.elements == ["last"] && otherGroups.next == nil)
    let things = try register.things(inGroup: "root", recursive: true, PageRequest(size: 5))
    #expect(things.elements.isEmpty && things.next != nil)
    let otherThings = try register.things(inGroup: "root", recursive: true, PageRequest(size: 5, after: things.next))
    #expect(otherThings.elements == ["t"] && otherThings.next == nil)
  }

  /// Clean-up scripts delete what a page has told them before they ask for the next one.
  @Test(arguments: 1...4)
  mutating func `a list goes on when the group at the end of its page is gone`(size: Int) throws {
    try createTree()
    for group in ["a", "a1", "a2", "a11", "a12"] {
      for number in 0..<2 {
        try register.createThing("\(group)-\(number)")
        register.make(try register.addition(ofThing: "\(group)-\(number)", toGroup: group))
      }
    }
    let whole = register
    for isRecursive in [true, false] {
      var subject = whole
      let all = try subject.groups(below: "a", recursive: isRecursive, prefix: "", PageRequest(size: 25)).elements
      var told: [String] = []
      var marker: PageMarker?
      repeat {
        let page = try subject.groups(
          below: "a", recursive: isRecursive, prefix: "", PageRequest(size: size, after: marker))
        told += page.elements
        // Those with children cannot be deleted.
        for name in page.elements.reversed() {
          if let deletion = try? subject.thingGroupDeletion(name, expectedVersion: nil) { subject.apply(deletion) }
        }
        marker = page.next
      } while marker != nil
      #expect(told == all)
    }
    var emptied = whole
    let groups = try emptied.groups(ofThing: "a11-0", PageRequest(size: 2))
    #expect(groups.elements == ["a", "a1"])
    for name in ["a12", "a2"] { emptied.make(try emptied.thingGroupDeletion(name, expectedVersion: nil)) }
    #expect(try emptied.groups(ofThing: "a11-0", PageRequest(size: 2, after: groups.next)).elements == ["a11"])
    var subject = whole
    let page = try subject.things(inGroup: "a", recursive: true, PageRequest(size: 7))
    #expect(page.elements.last == "a11-0")
    subject.make(try subject.thingGroupDeletion("a11", expectedVersion: nil))
    let rest = try subject.things(inGroup: "a", recursive: true, PageRequest(size: 7, after: page.next))
    #expect(rest.elements == ["a12-0", "a12-1"] && rest.next == nil)
  }

  @Test mutating func `refuses markers of other lists`() throws {
    try createTree()
    let subject = register
    for marker in [PageMarker(sequence: 1), PageMarker(sequence: 0, groupSequence: 0)] {
      expectError(.invalidRequest) {
        _ = try subject.things(inGroup: "a", recursive: true, PageRequest(size: 5, after: marker))
      }
    }
    expectError(.resourceNotFound) {
      _ = try subject.groups(below: "none", recursive: true, prefix: "", PageRequest(size: 5))
    }
  }
}
