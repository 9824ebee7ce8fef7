package import CertRegCore

/// What an operation does to a register. A register is the sum of its changes, so they are also what a state file
/// holds.
package enum RegisterChange: Hashable, Sendable {
  case register(RegisteredCertificate)
  case setStatus(CertificateID, CertificateStatus, at: WallTime)
  /// Also detaches the certificate's policies and things.
  case delete(CertificateID)

  /// Adds a thing, or replaces the one of its name.
  case setThing(Thing)
  /// Also takes the thing out of its groups and detaches its principals.
  case deleteThing(name: String)
  case setThingType(ThingType)
  case deleteThingType(name: String)
  case setThingGroup(ThingGroup)
  /// Also takes things out of the group and detaches its policies.
  case deleteThingGroup(name: String)
  case setPolicy(Policy)
  /// Also detaches the policy from its targets.
  case deletePolicy(name: String)

  case addToGroup(thingName: String, groupName: String)
  case removeFromGroup(thingName: String, groupName: String)
  case attachPolicy(name: String, Target)
  case detachPolicy(name: String, Target)
  /// Also sets the type of a pair that is attached already.
  case attachPrincipal(Target, thingName: String, ThingPrincipalType)
  case detachPrincipal(Target, thingName: String)
}

/// What an operation found, and the change that it makes.
package struct Decision<Record> {
  /// The record after the change.
  package var record: Record
  /// `nil` if there is nothing to change: the call repeats an earlier one.
  package var change: RegisterChange?

  package init(_ record: Record, change: RegisterChange?) {
    self.record = record
    self.change = change
  }
}
