extension SandboxRegister {
  /// Makes a change. One that does not fit (a record to delete that is not there, a pair whose ends are missing)
  /// changes nothing.
  ///
  /// - Returns: Whether the change fits.
  @discardableResult
  package mutating func apply(_ change: RegisterChange) -> Bool {
    switch change {
    case .register(let certificate): return register(certificate)
    case .setStatus(let id, let status, let time): return setStatus(id, status, at: time)
    case .delete(let id): return delete(id)
    case .setThing(let thing): return set(thing)
    case .deleteThing(let name): return deleteThing(name)
    case .setThingType(let type):
      thingTypes.put(type, for: type.name)
      return true
    case .deleteThingType(let name):
      return thingsOfTypes.rights(of: name).isEmpty && thingTypes.remove(name) != nil
    case .setThingGroup(let group): return set(group)
    case .deleteThingGroup(let name): return deleteThingGroup(name)
    case .setPolicy(let policy):
      policies.put(policy, for: policy.name)
      return true
    case .deletePolicy(let name):
      guard policies.remove(name) != nil else { return false }
      policyTargets.removeAll(left: name)
      return true
    case .addToGroup(let thingName, let groupName):
      guard things[thingName] != nil, thingGroups[groupName] != nil else { return false }
      groupMembers.put((), groupName, thingName)
      return true
    case .removeFromGroup(let thingName, let groupName): return groupMembers.remove(groupName, thingName)
    case .attachPolicy(let name, let target):
      guard policies[name] != nil, isPresent(target) else { return false }
      policyTargets.put((), name, target)
      return true
    case .detachPolicy(let name, let target): return policyTargets.remove(name, target)
    case .attachPrincipal(let principal, let thingName, let type):
      guard things[thingName] != nil, isPresent(principal) else { return false }
      principalThings.put(type, principal, thingName)
      return true
    case .detachPrincipal(let principal, let thingName): return principalThings.remove(principal, thingName)
    }
  }

  /// Whether a target can have attachments. Identities always can.
  func isPresent(_ target: Target) -> Bool {
    switch target {
    case .certificate(let id): isRegistered(id)
    case .thingGroup(let name): thingGroups[name] != nil
    case .identity: true
    }
  }

  private mutating func set(_ thing: Thing) -> Bool {
    if let typeName = thing.typeName, thingTypes[typeName] == nil { return false }
    if let former = things[thing.name]?.typeName, former != thing.typeName { thingsOfTypes.remove(former, thing.name) }
    if let typeName = thing.typeName { thingsOfTypes.put((), typeName, thing.name) }
    things.put(thing, for: thing.name)
    return true
  }

  private mutating func deleteThing(_ name: String) -> Bool {
    guard let thing = things.remove(name) else { return false }
    if let typeName = thing.typeName { thingsOfTypes.remove(typeName, name) }
    groupMembers.removeAll(right: name)
    principalThings.removeAll(right: name)
    return true
  }

  private mutating func set(_ group: ThingGroup) -> Bool {
    // A group never changes its parent, and the parent comes first: there are no circles.
    guard thingGroups[group.name] == nil || thingGroups[group.name]?.parentName == group.parentName else {
      return false
    }
    if let parentName = group.parentName, thingGroups[parentName] == nil { return false }
    thingGroups.put(group, for: group.name)
    childGroups.put((), group.parentName ?? "", group.name)
    return true
  }

  private mutating func deleteThingGroup(_ name: String) -> Bool {
    guard childGroups.rights(of: name).isEmpty, let group = thingGroups.remove(name) else { return false }
    childGroups.remove(group.parentName ?? "", name)
    groupMembers.removeAll(left: name)
    policyTargets.removeAll(right: .thingGroup(name: name))
    return true
  }

  // MARK: The whole register

  /// How many changes `forEachChange` has.
  package var changeCount: Int {
    count + things.count + thingTypes.count + thingGroups.count + policies.count + groupMembers.count
      + policyTargets.count + principalThings.count
  }

  /// Calls `body` with the changes that lead from an empty register to this one.
  package func forEachChange(_ body: (RegisterChange) -> Void) {
    for certificate in certificates { body(.register(certificate)) }
    for element in thingTypes.elements { body(.setThingType(element.value)) }
    for element in thingGroups.elements { body(.setThingGroup(element.value)) }
    for element in policies.elements { body(.setPolicy(element.value)) }
    for element in things.elements { body(.setThing(element.value)) }
    for (groupName, _) in thingGroups.elements {
      for (thingName, _) in groupMembers.rights(of: groupName).elements {
        body(.addToGroup(thingName: thingName, groupName: groupName))
      }
    }
    for (name, _) in policies.elements {
      for (target, _) in policyTargets.rights(of: name).elements { body(.attachPolicy(name: name, target)) }
    }
    for (thingName, _) in things.elements {
      for (principal, type) in principalThings.lefts(of: thingName).elements {
        body(.attachPrincipal(principal, thingName: thingName, type))
      }
    }
  }
}
