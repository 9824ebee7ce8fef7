/// The profiles that were applied to certificates in memory. Most of what a profile brings about is the same for many
/// certificates, and is kept once; a certificate takes about 100 bytes and its thing's name.
///
/// It has entries for results of ``ResultTable`` only, which bounds it.
struct ProvisionedTable: Sendable {
  private struct Key: Hashable, Sendable {
    var certificateID: CertificateID
    var target: UInt16
  }

  /// What certificates have in common.
  private struct Shape: Hashable, Sendable {
    var profile: String
    /// The thing's ARN without its name at the end.
    var arnPrefix: String?
    var policies: [String]
    var groups: [String]
  }

  private struct Entry: Sendable {
    var tag: ProvisioningTag
    var shape: UInt32
    var thingName: String?
    /// The thing's ARN if it does not end in the name.
    var thingARN: String?
    /// `nil`: all.
    var completedSteps: Int32?
    var isActivated: Bool
  }

  private var entries: [Key: Entry] = [:]
  /// Shapes whose policies or groups hold names of single devices would grow without a bound.
  private var shapes = InternTable<Shape>(limit: 65_536)

  /// What was applied to a certificate; `nil`: nothing, or it is not known here.
  func provisioned(_ id: CertificateID, target: UInt16) -> Provisioned? {
    if entries.isEmpty { return nil }
    guard let entry = entries[Key(certificateID: id, target: target)] else { return nil }
    let shape = shapes[Int(entry.shape)]
    let thingARN = entry.thingARN ?? shape.arnPrefix.flatMap { prefix in entry.thingName.map { prefix + $0 } }
    return Provisioned(
      profile: shape.profile, tag: entry.tag,
      resources: DeviceResources(
        thingName: entry.thingName, thingARN: thingARN, policies: shape.policies, groups: shape.groups),
      completedSteps: entry.completedSteps.map { Int($0) }, isActivated: entry.isActivated)
  }

  /// Sets what was applied to a certificate.
  ///
  /// - Returns: Whether there was room.
  mutating func set(_ provisioned: Provisioned?, _ id: CertificateID, target: UInt16) -> Bool {
    let key = Key(certificateID: id, target: target)
    guard let provisioned else {
      if !entries.isEmpty { remove(key) }
      return true
    }
    let resources = provisioned.resources
    var shape = Shape(
      profile: provisioned.profile, arnPrefix: nil, policies: resources.policies, groups: resources.groups)
    var thingARN = resources.thingARN
    if let arn = thingARN, let name = resources.thingName, arn.hasSuffix(name) {
      shape.arnPrefix = String(arn.dropLast(name.count))
      thingARN = nil
    }
    // First of all: the new shape may need the place of the old one.
    remove(key)
    guard let number = shapes.take(shape) else { return false }
    entries[key] = Entry(
      tag: provisioned.tag, shape: UInt32(number), thingName: resources.thingName, thingARN: thingARN,
      completedSteps: provisioned.completedSteps.map { Int32(clamping: $0) }, isActivated: provisioned.isActivated)
    return true
  }

  private mutating func remove(_ key: Key) {
    if let entry = entries.removeValue(forKey: key) { shapes.release(Int(entry.shape)) }
  }
}
