package import CertRegCore

/// What a CreateThingGroup asks for.
package struct ThingGroupConfiguration: Hashable, Sendable {
  /// `parentGroupName`.
  package var parentName: String?
  /// `thingGroupProperties.thingGroupDescription`.
  package var description: String?
  /// `thingGroupProperties.attributePayload.attributes`.
  package var attributes: [String: String]

  package init(parentName: String? = nil, description: String? = nil, attributes: [String: String] = [:]) {
    self.parentName = parentName
    self.description = description
    self.attributes = attributes
  }
}

extension SandboxRegister {
  /// The thing group of a name.
  ///
  /// - Throws: ResourceNotFoundException.
  package func thingGroup(_ name: String) throws(SandboxError) -> ThingGroup {
    guard let group = thingGroups[name] else {
      throw SandboxError(.resourceNotFound, "Thing group \(name) cannot be found")
    }
    return group
  }

  /// The groups above a group, the root first.
  package func ancestors(of group: ThingGroup) -> [ThingGroup] {
    var ancestors: [ThingGroup] = []
    var name = group.parentName
    while let parent = name.flatMap({ thingGroups[$0] }) {
      ancestors.append(parent)
      name = parent.parentName
    }
    return ancestors.reversed()
  }

  /// Checks a CreateThingGroup. A call that repeats an earlier one succeeds.
  ///
  /// - Parameter id: A new one.
  /// - Throws: ResourceAlreadyExistsException for a group with another configuration; InvalidRequestException for a
  ///   parent that is not there or has too many children, for too many levels and for too many attributes.
  package func thingGroupCreation(
    _ name: String, _ configuration: ThingGroupConfiguration, id: UniqueID, at now: WallTime
  ) throws(SandboxError) -> Decision<ThingGroup> {
    if let group = thingGroups[name] {
      let present = ThingGroupConfiguration(
        parentName: group.parentName, description: group.description, attributes: group.attributes)
      guard present == configuration else {
        throw SandboxError(
          .resourceAlreadyExists, "Thing group \(name) already exists in account with different properties",
          resourceID: group.id.description, resourceARN: account.arn("thinggroup/\(name)"))
      }
      return Decision(group, change: nil)
    }
    let group = ThingGroup(
      name: name, id: id, parentName: configuration.parentName, description: configuration.description,
      attributes: configuration.attributes, createdAt: now)
    guard group.attributes.count <= RegistryLimits.attributesWithType else {
      throw SandboxError(.invalidRequest, "A thing group can have \(RegistryLimits.attributesWithType) attributes")
    }
    if let parentName = group.parentName { try checkParent(parentName, of: group) }
    return Decision(group, change: .setThingGroup(group))
  }

  private func checkParent(_ parentName: String, of group: ThingGroup) throws(SandboxError) {
    guard thingGroups[parentName] != nil else {
      throw SandboxError(.invalidRequest, "Parent thing group \(parentName) does not exist")
    }
    guard ancestors(of: group).count < RegistryLimits.groupDepth else {
      throw SandboxError(
        .invalidRequest, "A hierarchy of thing groups can have \(RegistryLimits.groupDepth) levels")
    }
    guard childGroups.rights(of: parentName).count < RegistryLimits.childGroups else {
      throw SandboxError(
        .invalidRequest,
        "Thing group \(parentName) has \(RegistryLimits.childGroups) child groups, the most it can have")
    }
  }

  /// Checks a DeleteThingGroup. A group that is not there counts as deleted.
  ///
  /// - Throws: VersionConflictException for another version than the expected one, InvalidRequestException for a group
  ///   with children.
  package func thingGroupDeletion(_ name: String, expectedVersion: Int?) throws(SandboxError) -> RegisterChange? {
    guard thingGroups[name] != nil else { return nil }
    try SandboxRegister.checkVersion(of: "thing group \(name)", ThingGroup.version, expected: expectedVersion)
    guard childGroups.rights(of: name).isEmpty else {
      throw SandboxError(
        .invalidRequest, "Cannot delete thing group \(name) when there are still child groups attached to it")
    }
    return .deleteThingGroup(name: name)
  }

  // MARK: Things in groups

  /// Checks an AddThingToThingGroup. A thing that is in the group already stays in it.
  ///
  /// - Throws: ResourceNotFoundException; InvalidRequestException for a thing that is in another group of the same
  ///   hierarchy or in as many groups as it can be (AWS IoT Developer Guide, "Static thing groups").
  package func addition(ofThing thingName: String, toGroup groupName: String) throws(SandboxError) -> RegisterChange? {
    let group = try thingGroup(groupName)
    _ = try thing(thingName)
    guard groupMembers[groupName, thingName] == nil else { return nil }
    let present = groupMembers.lefts(of: thingName)
    guard present.count < RegistryLimits.groupsOfThing else {
      throw SandboxError(
        .invalidRequest,
        "Thing \(thingName) is in \(present.count) thing groups, the most it can be in")
    }
    let root = (ancestors(of: group).first ?? group).name
    for name in present.elements.map(\.key) {
      guard let other = thingGroups[name], (ancestors(of: other).first ?? other).name == root else { continue }
      throw SandboxError(
        .invalidRequest,
        "Thing \(thingName) cannot be added to thing group \(groupName): it is in \(name), a group of the same hierarchy"
      )
    }
    return .addToGroup(thingName: thingName, groupName: groupName)
  }

  /// Checks a RemoveThingFromThingGroup. A thing that is not in the group stays out of it.
  ///
  /// - Throws: ResourceNotFoundException for a thing or group that is not there.
  package func removal(
    ofThing thingName: String, fromGroup groupName: String
  ) throws(SandboxError) -> RegisterChange? {
    _ = try thingGroup(groupName)
    _ = try thing(thingName)
    guard groupMembers[groupName, thingName] != nil else { return nil }
    return .removeFromGroup(thingName: thingName, groupName: groupName)
  }

  /// The groups that a thing is in, and the groups above them (AWS IoT Developer Guide, "List groups for a thing").
  ///
  /// - Throws: ResourceNotFoundException.
  package func groups(ofThing name: String, _ request: PageRequest) throws(SandboxError) -> Page<String> {
    _ = try thing(name)
    let groups = groupMembers.lefts(of: name).elements.compactMap { thingGroups[$0.key] }
    return thingGroups.page(request, of: Set(groups.flatMap { [$0] + ancestors(of: $0) }.map(\.name)))
  }
}
