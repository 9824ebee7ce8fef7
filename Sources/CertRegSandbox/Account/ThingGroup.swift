package import CertRegCore

/// A static thing group (API reference, DescribeThingGroup).
package struct ThingGroup: Hashable, Sendable {
  /// `thingGroupName`.
  package var name: String
  /// `thingGroupId`.
  package var id: UniqueID
  /// `parentGroupName`.
  package var parentName: String?
  /// `thingGroupDescription`.
  package var description: String?
  /// `attributes`.
  package var attributes: [String: String]
  /// `creationDate`.
  package var createdAt: WallTime
  /// `version`: groups are never updated here.
  package static let version = 1

  package init(
    name: String, id: UniqueID, parentName: String? = nil, description: String? = nil,
    attributes: [String: String] = [:], createdAt: WallTime
  ) {
    self.name = name
    self.id = id
    self.parentName = parentName
    self.description = description
    self.attributes = attributes
    self.createdAt = createdAt
  }
}
