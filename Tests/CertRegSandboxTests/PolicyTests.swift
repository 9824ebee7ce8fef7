import CertRegCore
import CertRegSandbox
import CertRegTesting
import Testing

@Suite struct PolicyTests {
  private var register = SandboxRegister(account: SandboxAccount())

  @Test mutating func `a name is taken whatever the document`() throws {
    try register.createPolicy("p")
    let subject = register
    let error = expectError(.resourceAlreadyExists) {
      _ = try subject.policyCreation("p", document: policyDocument, generationID: UniqueID(1, 1), at: ManualClock.start)
    }
    #expect(error?.resourceARN == "arn:aws:iot:eu-central-1:123456789012:policy/p")
    #expect(try register.policy("p").document == policyDocument)
    expectError(.resourceNotFound) { _ = try subject.policy("q") }
  }

  @Test(arguments: [
    "", "x", "[]", "{}", #"{"Statement":1}"#, #"{"Statement":[1]}"#,
    #"{"Statement":{"Effect":"Maybe","Action":"*","Resource":"*"}}"#, #"{"Statement":{"Action":"*","Resource":"*"}}"#,
    #"{"Statement":{"Effect":"Allow","Resource":"*"}}"#, #"{"Statement":{"Effect":"Allow","Action":"*"}}"#,
    #"{"Statement":{"Effect":"Allow","Action":"*","Resource":"\#(String(repeating: "x", count: 2_048))"}}"#,
  ])
  func `refuses malformed documents`(document: String) {
    expectError(.malformedPolicy) {
      _ = try register.policyCreation("p", document: document, generationID: UniqueID(1, 1), at: ManualClock.start)
    }
  }

  @Test mutating func `white space in a document does not count`() throws {
    try register.createPolicy("p", document: policyDocument + String(repeating: " \n", count: 2_000))
    #expect(register.policies.count == 1)
  }

  // MARK: Attachments

  @Test mutating func `attaches to certificates, groups and identities, and does so once`() throws {
    try register.createPolicy("p")
    try register.createGroup("g")
    try register.register(certificate(1))
    let identity = try #require(Target("eu-central-1:6c4b7e3a-0000-1000-8000-0123456789ab", in: register.account))
    for target in [Target.certificate(1), .thingGroup(name: "g"), identity] {
      register.make(try register.attachment(ofPolicy: "p", to: target))
      #expect(try register.attachment(ofPolicy: "p", to: target) == nil)
      #expect(try register.policies(of: target, recursive: false, PageRequest(size: 25)).elements == ["p"])
    }
    #expect(
      try register.targets(ofPolicy: "p", PageRequest(size: 2)).elements == [.certificate(1), .thingGroup(name: "g")])
    let subject = register
    expectError(.deleteConflict) { _ = try subject.policyDeletion("p") }
    for target in [Target.certificate(1), .thingGroup(name: "g"), identity] {
      register.make(register.detachment(ofPolicy: "p", from: target))
      #expect(register.detachment(ofPolicy: "p", from: target) == nil)
    }
    register.make(try register.policyDeletion("p"))
    #expect(register.detachment(ofPolicy: "p", from: identity) == nil)
  }

  @Test mutating func `attaches neither unknown policies nor to unknown targets`() throws {
    try register.createPolicy("p")
    try register.register(certificate(1))
    let subject = register
    for (policy, target) in [("q", Target.certificate(1)), ("p", .certificate(2)), ("p", .thingGroup(name: "g"))] {
      expectError(.resourceNotFound) { _ = try subject.attachment(ofPolicy: policy, to: target) }
    }
    expectError(.resourceNotFound) { _ = try subject.targets(ofPolicy: "q", PageRequest(size: 1)) }
    expectError(.resourceNotFound) {
      _ = try subject.policies(of: .certificate(2), recursive: false, PageRequest(size: 1))
    }
  }

  @Test mutating func `a target has ten policies at most`() throws {
    try register.register(certificate(1))
    for number in 0...10 { try register.createPolicy("p\(number)") }
    for number in 0..<10 { register.make(try register.attachment(ofPolicy: "p\(number)", to: .certificate(1))) }
    let subject = register
    expectError(.limitExceeded) { _ = try subject.attachment(ofPolicy: "p10", to: .certificate(1)) }
    #expect(try register.attachment(ofPolicy: "p9", to: .certificate(1)) == nil)
    register.make(register.detachment(ofPolicy: "p0", from: .certificate(1)))
    register.make(try register.attachment(ofPolicy: "p10", to: .certificate(1)))
  }

  @Test mutating func `a group has two policies at most`() throws {
    try register.createGroup("g")
    for name in ["p", "q", "r"] { try register.createPolicy(name) }
    for name in ["p", "q"] { register.make(try register.attachment(ofPolicy: name, to: .thingGroup(name: "g"))) }
    let subject = register
    expectError(.limitExceeded) { _ = try subject.attachment(ofPolicy: "r", to: .thingGroup(name: "g")) }
  }

  @Test mutating func `a recursive list has the policies of the groups above`() throws {
    try register.createGroup("root")
    try register.createGroup("leaf", below: "root")
    for name in ["own", "both", "inherited"] { try register.createPolicy(name) }
    for (policy, group) in [("own", "leaf"), ("both", "leaf"), ("both", "root"), ("inherited", "root")] {
      register.make(try register.attachment(ofPolicy: policy, to: .thingGroup(name: group)))
    }
    let leaf = Target.thingGroup(name: "leaf")
    #expect(try register.policies(of: leaf, recursive: false, PageRequest(size: 25)).elements == ["own", "both"])
    let page = try register.policies(of: leaf, recursive: true, PageRequest(size: 2))
    #expect(page.elements == ["own", "both"])
    let rest = try register.policies(of: leaf, recursive: true, PageRequest(size: 2, after: page.next))
    #expect(rest.elements == ["inherited"] && rest.next == nil)
  }

  // MARK: Principals

  @Test mutating func `an exclusive thing is the only one of its principal`() throws {
    try register.register(certificate(1))
    try register.register(certificate(2))
    for name in ["t", "u"] { try register.createThing(name) }
    func attach(_ number: Int, _ thing: String, _ type: ThingPrincipalType) -> Result<RegisterChange?, SandboxError> {
      Result { () throws(SandboxError) in try register.attachment(of: .certificate(number), toThing: thing, type) }
    }
    register.make(try attach(1, "t", .exclusiveThing).get())
    #expect(try attach(1, "t", .exclusiveThing).get() == nil)
    // The thing may have other principals, the principal no other things.
    register.make(try attach(2, "t", .nonExclusiveThing).get())
    for type in ThingPrincipalType.allCases {
      let result = attach(1, "u", type)
      expectError(.invalidRequest) { _ = try result.get() }
    }
    register.make(try attach(2, "u", .nonExclusiveThing).get())
    let shared = attach(2, "t", .exclusiveThing)
    expectError(.invalidRequest) { _ = try shared.get() }
    register.make(try register.detachment(of: .certificate(2), fromThing: "u"))
    register.make(try attach(2, "t", .exclusiveThing).get())
    let page = try register.principals(ofThing: "t", nil, PageRequest(size: 25))
    #expect(page.elements.map(\.key) == [.certificate(1), .certificate(2)])
    #expect(page.elements.map(\.value) == [.exclusiveThing, .exclusiveThing])
    register.make(try attach(1, "t", .nonExclusiveThing).get())
    let exclusive = try register.principals(ofThing: "t", .exclusiveThing, PageRequest(size: 25))
    #expect(exclusive.elements.map(\.key) == [.certificate(2)])
    register.make(try attach(1, "u", .nonExclusiveThing).get())
    let things = try register.things(ofPrincipal: .certificate(1), .nonExclusiveThing, PageRequest(size: 25))
    #expect(things.elements.map(\.key) == ["t", "u"])
  }

  @Test mutating func `attaches neither unknown principals nor to unknown things`() throws {
    try register.register(certificate(1))
    try register.createThing("t")
    let subject = register
    expectError(.resourceNotFound) {
      _ = try subject.attachment(of: .certificate(2), toThing: "t", .nonExclusiveThing)
    }
    expectError(.resourceNotFound) {
      _ = try subject.attachment(of: .certificate(1), toThing: "u", .nonExclusiveThing)
    }
    expectError(.resourceNotFound) { _ = try subject.detachment(of: .certificate(1), fromThing: "t") }
    expectError(.resourceNotFound) { _ = try subject.principals(ofThing: "u", nil, PageRequest(size: 1)) }
    expectError(.resourceNotFound) { _ = try subject.things(ofPrincipal: .certificate(2), nil, PageRequest(size: 1)) }
    let identity = try #require(Target("eu-central-1:6c4b7e3a-0000-1000-8000-0123456789ab", in: register.account))
    expectError(.invalidRequest) { _ = try subject.attachment(of: identity, toThing: "t", .exclusiveThing) }
    register.make(try register.attachment(of: identity, toThing: "t", .nonExclusiveThing))
  }

  @Test mutating func `a certificate in use is deleted by force at most from its policies`() throws {
    try register.register(certificate(1))
    try register.createThing("t")
    try register.createPolicy("p")
    register.make(try register.attachment(of: .certificate(1), toThing: "t", .nonExclusiveThing))
    register.make(try register.attachment(ofPolicy: "p", to: .certificate(1)))
    let id = certificate(1).id
    var subject = register
    for forced in [false, true] { expectError(.deleteConflict) { _ = try subject.deletion(of: id, forced: forced) } }
    register.make(try register.detachment(of: .certificate(1), fromThing: "t"))
    subject = register
    expectError(.deleteConflict) { _ = try subject.deletion(of: id, forced: false) }
    register.make(try register.deletion(of: id, forced: true))
    #expect(try register.targets(ofPolicy: "p", PageRequest(size: 1)).elements.isEmpty)
  }

  @Test(arguments: [
    "", "x", "arn:aws:iot:eu-central-1:123456789012:cert/abc", "arn:aws:iot:eu-central-1:123456789012:thing/t",
    "arn:aws:iot:eu-west-1:123456789012:thinggroup/g", "arn:aws:iot:eu-central-1:000000000000:thinggroup/g",
    "arn:aws:iot:eu-central-1:123456789012:thinggroup/", "cert/\(String(repeating: "0", count: 64))", "a:b",
    "arn:aws:iot:eu-central-1:123456789012:identity/eu-central-1:6c4b7e3a-0000-1000-8000-0123456789ab",
  ])
  func `other texts are no targets`(text: String) {
    #expect(Target(text, in: register.account) == nil)
  }
}
