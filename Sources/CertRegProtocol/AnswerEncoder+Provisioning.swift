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
  /// The device that was made of the certificate, or nothing if there is none or if steps are left.
  package mutating func provisioningMember(_ registration: Registration) {
    guard let provisioned = registration.provisioned, provisioned.isComplete else { return }
    beginObject("provisioning")
    deviceMembers(provisioned)
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
