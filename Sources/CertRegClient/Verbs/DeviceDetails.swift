import CertRegCodec

/// What a request says about the device that a certificate belongs to.
struct DeviceDetails: Hashable, Sendable {
  /// The caller's name for the device.
  private(set) var id: String?
  /// The profile to apply; `nil`: the target's own.
  private(set) var provision: ProfileChoice?
  private var attributes: [DeviceAttribute] = []

  /// Nothing is said.
  init() {}

  /// What is said about the device of an entry.
  ///
  /// A daemon of an earlier version gets the name only beside a profile or attributes. It refuses those, and so cannot
  /// register the certificate without what was asked for.
  ///
  /// - Parameter provision: The profile that the command line names; `nil`: the one that the entry asks for, or none.
  init(_ entry: InputEntry, provision: ProfileChoice?, _ facts: DaemonFacts) {
    self.provision = provision ?? entry.provision
    attributes = entry.attributes
    id = facts.takesDeviceNames || self.provision != nil || !attributes.isEmpty ? entry.deviceID : nil
  }

  /// The `attributes` member; `nil` for none.
  var attributeObject: JSON? {
    attributes.isEmpty ? nil : .object(attributes.map { JSON.Member($0.name, .string($0.value)) })
  }
}
