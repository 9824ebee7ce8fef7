import CertRegCore
import CertRegSandbox
import CertRegTesting
import Testing

/// A policy document that AWS IoT accepts.
let policyDocument =
  #"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"iot:Connect","Resource":"*"}]}"#

extension Target {
  /// `certificate(number)` as a target.
  static func certificate(_ number: Int) -> Target {
    .certificate(CertRegSandboxTests.certificate(number).id)
  }
}

extension SandboxRegister {
  /// Makes a decision's change.
  @discardableResult
  mutating func make<Record>(_ decision: Decision<Record>) -> Record {
    make(decision.change)
    return decision.record
  }

  mutating func make(_ change: RegisterChange?) {
    guard let change else { return }
    let fits = apply(change)
    #expect(fits, "\(change)")
  }

  @discardableResult
  mutating func createThing(
    _ name: String, type: String? = nil, attributes: [String: String] = [:], id: UInt64 = 1
  ) throws(SandboxError) -> Thing {
    make(
      try thingCreation(name, ThingConfiguration(typeName: type, attributes: attributes), id: UniqueID(id, id)))
  }

  mutating func createType(_ name: String, searchable: [String] = []) throws(SandboxError) {
    make(
      try thingTypeCreation(
        name, ThingTypeProperties(searchableAttributes: searchable), id: UniqueID(2, 2), at: ManualClock.start))
  }

  mutating func createGroup(_ name: String, below parent: String? = nil) throws(SandboxError) {
    make(
      try thingGroupCreation(
        name, ThingGroupConfiguration(parentName: parent), id: UniqueID(3, 3), at: ManualClock.start))
  }

  mutating func createPolicy(_ name: String, document: String = policyDocument) throws(SandboxError) {
    make(try policyCreation(name, document: document, generationID: UniqueID(4, 4), at: ManualClock.start))
  }
}

/// The error that `body` throws, which must be of `kind`.
@discardableResult
func expectError(
  _ kind: SandboxError.Kind, sourceLocation: SourceLocation = #_sourceLocation, _ body: () throws -> Void
) -> SandboxError? {
  let error = #expect(throws: SandboxError.self, sourceLocation: sourceLocation, performing: body)
  #expect(error?.kind == kind, "\(error?.message ?? "")", sourceLocation: sourceLocation)
  return error
}
