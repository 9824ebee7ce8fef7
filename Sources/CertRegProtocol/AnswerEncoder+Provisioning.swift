package import CertRegCodec
package import CertRegCore

extension AnswerEncoder {
  /// The value of the member `provisioning`: an object, as JSON text on one line.
  package static func provisioning(_ provisioned: Provisioned) -> [UInt8] {
    var writer = JSONWriter()
    writer.beginObject()
    writer.deviceMembers(provisioned)
    writer.endObject()
    return writer.bytes
  }
}

extension JSONWriter {
  /// The device that was made of the certificate, or nothing if there is none.
  ///
  /// - Parameter asFarAsMade: Whether a device is told of although steps are left. Its last member says so.
  package mutating func provisioningMember(_ registration: Registration, asFarAsMade: Bool = false) {
    guard let provisioned = registration.provisioned, provisioned.isComplete || asFarAsMade else { return }
    beginObject("provisioning")
    deviceMembers(provisioned)
    if !provisioned.isComplete { member("complete", false) }
    endObject()
  }

  /// What was asked for and is not so; nothing where all is.
  mutating func askedMember(_ registration: Registration) {
    guard let asked = registration.asked else { return }
    beginObject("asked")
    member("status", ifPresent: asked.status?.rawValue)
    member("thingName", ifPresent: asked.thingName)
    if !asked.policies.isEmpty {
      beginArray("policies")
      for policy in asked.policies { element(policy) }
      endArray()
    }
    endObject()
  }

  fileprivate mutating func deviceMembers(_ provisioned: Provisioned) {
    let resources = provisioned.resources
    member("profile", provisioned.profile)
    member("thingName", ifPresent: resources.thingName)
    member("thingArn", ifPresent: resources.thingARN)
    for (name, values) in [("policies", resources.policies), ("groups", resources.groups)] {
      beginArray(name)
      for value in values { element(value) }
      endArray()
    }
  }
}
