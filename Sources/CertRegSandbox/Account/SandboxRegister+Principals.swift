extension SandboxRegister {
  /// Checks an AttachThingPrincipal. A principal that is attached already stays attached; its type may change as long
  /// as the rules of exclusive attachment hold: a principal with an exclusive thing has no other one (AWS IoT Developer
  /// Guide, "Associating an AWS IoT thing to an MQTT client connection").
  ///
  /// - Throws: ResourceNotFoundException for a thing or certificate that is not there, InvalidRequestException.
  package func attachment(
    of principal: Target, toThing thingName: String, _ type: ThingPrincipalType
  ) throws(SandboxError) -> RegisterChange? {
    _ = try thing(thingName)
    try checkPresence(of: principal)
    if type == .exclusiveThing, case .identity = principal {
      throw SandboxError(.invalidRequest, "Only a certificate can be attached to a thing exclusively")
    }
    let things = principalThings.rights(of: principal)
    if things[thingName] == type { return nil }
    let hasOtherThings = things.count > (things[thingName] == nil ? 0 : 1)
    if type == .exclusiveThing, hasOtherThings {
      throw SandboxError(
        .invalidRequest,
        "The principal cannot be attached to thing \(thingName) exclusively: it is attached to another thing")
    }
    // A principal with an exclusive thing has that one only.
    if let only = things.first, only.value == .exclusiveThing, only.key != thingName {
      throw SandboxError(
        .invalidRequest,
        "The principal cannot be attached to thing \(thingName): it is attached to another thing exclusively")
    }
    return .attachPrincipal(principal, thingName: thingName, type)
  }

  /// Checks a DetachThingPrincipal.
  ///
  /// - Throws: ResourceNotFoundException for a thing that is not there or not attached.
  package func detachment(of principal: Target, fromThing thingName: String) throws(SandboxError) -> RegisterChange {
    _ = try thing(thingName)
    try checkPresence(of: principal)
    guard principalThings[principal, thingName] != nil else {
      throw SandboxError(.resourceNotFound, "The principal is not attached to thing \(thingName)")
    }
    return .detachPrincipal(principal, thingName: thingName)
  }

  /// The principals of a thing.
  ///
  /// - Parameter type: `nil` for all.
  /// - Throws: ResourceNotFoundException.
  package func principals(
    ofThing name: String, _ type: ThingPrincipalType?, _ request: PageRequest
  ) throws(SandboxError) -> Page<(key: Target, value: ThingPrincipalType)> {
    _ = try thing(name)
    return principalThings.lefts(of: name).page(request, where: { type == nil || $0.value == type })
  }

  /// The things of a principal.
  ///
  /// - Parameter type: `nil` for all.
  /// - Throws: ResourceNotFoundException for a certificate that is not there.
  package func things(
    ofPrincipal principal: Target, _ type: ThingPrincipalType?, _ request: PageRequest
  ) throws(SandboxError) -> Page<(key: String, value: ThingPrincipalType)> {
    try checkPresence(of: principal)
    return principalThings.rights(of: principal).page(request, where: { type == nil || $0.value == type })
  }
}
