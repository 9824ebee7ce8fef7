package import CertRegCore

extension SandboxRegister {
  /// The thing type of a name.
  ///
  /// - Throws: ResourceNotFoundException.
  package func thingType(_ name: String) throws(SandboxError) -> ThingType {
    guard let type = thingTypes[name] else {
      throw SandboxError(.resourceNotFound, "Thing type \(name) cannot be found")
    }
    return type
  }

  /// Checks a CreateThingType. A call that repeats an earlier one succeeds.
  ///
  /// - Parameter id: A new one.
  /// - Throws: ResourceAlreadyExistsException for a type with other properties, InvalidRequestException for too many
  ///   searchable attributes.
  package func thingTypeCreation(
    _ name: String, _ properties: ThingTypeProperties, id: UniqueID, at now: WallTime
  ) throws(SandboxError) -> Decision<ThingType> {
    if let type = thingTypes[name] {
      guard type.properties == properties else {
        throw SandboxError(
          .resourceAlreadyExists, "Thing type \(name) already exists in account with different properties",
          resourceID: type.id.description, resourceARN: account.arn("thingtype/\(name)"))
      }
      return Decision(type, change: nil)
    }
    guard properties.searchableAttributes.count <= RegistryLimits.searchableAttributes else {
      throw SandboxError(
        .invalidRequest,
        "A thing type can have \(RegistryLimits.searchableAttributes) searchable attributes; there are "
          + "\(properties.searchableAttributes.count)")
    }
    let type = ThingType(name: name, id: id, properties: properties, createdAt: now)
    return Decision(type, change: .setThingType(type))
  }

  /// Checks a DeprecateThingType.
  ///
  /// - Parameter undo: `undoDeprecate`.
  /// - Throws: ResourceNotFoundException.
  package func thingTypeDeprecation(
    _ name: String, undo: Bool, at now: WallTime
  ) throws(SandboxError) -> RegisterChange? {
    var type = try thingType(name)
    guard (type.deprecatedAt == nil) != undo else { return nil }
    type.deprecatedAt = undo ? nil : now
    return .setThingType(type)
  }

  /// Checks a DeleteThingType.
  ///
  /// - Throws: ResourceNotFoundException; InvalidRequestException for a type that is not deprecated, was deprecated
  ///   less than five minutes ago or has things.
  package func thingTypeDeletion(_ name: String, at now: WallTime) throws(SandboxError) -> RegisterChange {
    let type = try thingType(name)
    guard let deprecatedAt = type.deprecatedAt else {
      throw SandboxError(.invalidRequest, "Thing type \(name) must be deprecated before it can be deleted")
    }
    guard thingsOfTypes.rights(of: name).isEmpty else {
      throw SandboxError(.invalidRequest, "Cannot delete thing type \(name): things are associated with it")
    }
    guard now >= deprecatedAt + RegistryLimits.deprecationTime else {
      throw SandboxError(
        .invalidRequest, "Cannot delete thing type \(name). Please wait for 5 minutes after deprecation and then retry")
    }
    return .deleteThingType(name: name)
  }

  /// The thing types of a page whose names begin with `prefix`.
  package func thingTypes(_ request: PageRequest, prefix: String) -> Page<ThingType> {
    thingTypes.page(request, where: { $0.key.hasPrefix(prefix) }).map(\.value)
  }
}
