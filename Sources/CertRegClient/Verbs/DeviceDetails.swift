import CertRegCodec

/// What a request says about the device that a certificate belongs to.
struct DeviceDetails: Hashable, Sendable {
  /// The caller's name for the device.
  private(set) var id: String?
  private var attributes: [DeviceAttribute] = []

  /// Nothing is said.
  init() {}

  init(_ entry: InputEntry) {
    id = entry.deviceID
    attributes = entry.attributes
  }

  /// The `attributes` member; `nil` for none.
  var attributeObject: JSON? {
    attributes.isEmpty ? nil : .object(attributes.map { JSON.Member($0.name, .string($0.value)) })
  }
}
