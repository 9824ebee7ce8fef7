/// The quotas of AWS IoT that the register enforces (AWS General Reference, "AWS IoT Core endpoints and quotas" and
/// "AWS IoT Device Management endpoints and quotas").
enum RegistryLimits {
  /// Attributes of a thing without a type.
  static let attributesWithoutType = 3
  /// Attributes of a thing with a type, and of a thing group.
  static let attributesWithType = 50
  /// Searchable attributes of a thing type.
  static let searchableAttributes = 3
  /// Thing groups that a thing can belong to.
  static let groupsOfThing = 10
  /// Direct children of a thing group.
  static let childGroups = 100
  /// Levels of a hierarchy of thing groups.
  static let groupDepth = 7
  /// Policies attached to a certificate or identity.
  static let policiesOfPrincipal = 10
  /// Policies attached to a thing group (AWS IoT Developer Guide, "Attach a policy to a static thing group").
  static let policiesOfGroup = 2
  /// Characters of a policy document, white space excluded.
  static let policyDocumentCharacters = 2048
  /// The time between the deprecation of a thing type and its deletion (AWS IoT Developer Guide, "Delete a thing
  /// type").
  static let deprecationTime = Duration.seconds(300)
}
