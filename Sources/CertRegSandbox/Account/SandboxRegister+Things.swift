/// What a CreateThing asks for.
package struct ThingConfiguration: Hashable, Sendable {
  /// `thingTypeName`.
  package var typeName: String?
  /// `attributePayload.attributes`.
  package var attributes: [String: String]

  package init(typeName: String? = nil, attributes: [String: String] = [:]) {
    self.typeName = typeName
    self.attributes = attributes
  }
}

/// What an UpdateThing asks for.
package struct ThingUpdate: Hashable, Sendable {
  /// `thingTypeName`.
  package var typeName: String?
  /// `removeThingType`.
  package var removesType = false
  /// `attributePayload.attributes`; a value that is empty removes the attribute.
  package var attributes: [String: String]?
  /// `attributePayload.merge`.
  package var mergesAttributes = false
  /// `expectedVersion`.
  package var expectedVersion: Int?

  package init() {}
}

/// Which things a ListThings asks for.
package struct ThingFilter: Hashable, Sendable {
  /// `attributeName`.
  package var attributeName: String?
  /// `attributeValue`.
  package var attributeValue: String?
  /// `usePrefixAttributeValue`.
  package var isPrefix = false
  /// `thingTypeName`.
  package var typeName: String?

  package init() {}

  func accepts(_ thing: Thing) -> Bool {
    guard attributeName != nil || attributeValue != nil else { return true }
    let values =
      attributeName.map { name in thing.attributes[name].map { [$0] } ?? [] } ?? Array(thing.attributes.values)
    guard let attributeValue else { return !values.isEmpty }
    return values.contains { isPrefix ? $0.hasPrefix(attributeValue) : $0 == attributeValue }
  }
}

extension SandboxRegister {
  /// The thing of a name.
  ///
  /// - Throws: ResourceNotFoundException.
  package func thing(_ name: String) throws(SandboxError) -> Thing {
    guard let thing = things[name] else {
      throw SandboxError(.resourceNotFound, "Thing \(name) cannot be found")
    }
    return thing
  }

  /// Checks a CreateThing. A call that repeats an earlier one succeeds. A new thing gets `id`.
  ///
  /// - Throws: ResourceAlreadyExistsException for a thing with another configuration, ResourceNotFoundException for a
  ///   type that is not there, InvalidRequestException for a deprecated type and for too many attributes.
  package func thingCreation(
    _ name: String, _ configuration: ThingConfiguration, id: UniqueID
  ) throws(SandboxError) -> Decision<Thing> {
    let attributes = configuration.attributes.filter { !$0.value.isEmpty }
    if let thing = things[name] {
      guard thing.typeName == configuration.typeName, thing.attributes == attributes else {
        throw SandboxError(
          .resourceAlreadyExists, "Thing \(name) already exists in account with different attributes",
          resourceID: thing.id.description, resourceARN: account.arn("thing/\(name)"))
      }
      return Decision(thing, change: nil)
    }
    try checkAssociable(configuration.typeName)
    let thing = Thing(name: name, id: id, typeName: configuration.typeName, attributes: attributes, version: 1)
    try SandboxRegister.checkAttributes(thing)
    return Decision(thing, change: .setThing(thing))
  }

  /// Checks an UpdateThing. Attributes replace the former ones unless they are to be merged (API reference,
  /// AttributePayload).
  ///
  /// - Throws: ResourceNotFoundException for a thing or type that is not there, VersionConflictException for another
  ///   version than the expected one, InvalidRequestException.
  package func thingUpdate(_ name: String, _ update: ThingUpdate) throws(SandboxError) -> Decision<Thing> {
    var thing = try thing(name)
    try SandboxRegister.checkVersion(of: "thing \(name)", thing.version, expected: update.expectedVersion)
    if update.removesType, update.typeName != nil {
      throw SandboxError(.invalidRequest, "removeThingType cannot be used together with thingTypeName")
    }
    if update.removesType { thing.typeName = nil }
    if let typeName = update.typeName, typeName != thing.typeName {
      try checkAssociable(typeName)
      thing.typeName = typeName
    }
    if let attributes = update.attributes {
      let former = update.mergesAttributes ? thing.attributes : [:]
      thing.attributes = former.merging(attributes) { $1 }.filter { !$0.value.isEmpty }
    }
    try SandboxRegister.checkAttributes(thing)
    thing.version += 1
    return Decision(thing, change: .setThing(thing))
  }

  /// Checks a DeleteThing. A thing that is not there counts as deleted.
  ///
  /// - Throws: VersionConflictException for another version than the expected one, InvalidRequestException for a thing
  ///   that is attached to principals.
  package func thingDeletion(_ name: String, expectedVersion: Int?) throws(SandboxError) -> RegisterChange? {
    guard let thing = things[name] else { return nil }
    try SandboxRegister.checkVersion(of: "thing \(name)", thing.version, expected: expectedVersion)
    guard principalThings.lefts(of: name).isEmpty else {
      throw SandboxError(
        .invalidRequest, "Cannot delete. Thing \(name) is still attached to one or more principals")
    }
    return .deleteThing(name: name)
  }

  /// The things of a page of ListThings. It may have fewer than asked for, or none, although others follow.
  package func things(_ request: PageRequest, _ filter: ThingFilter) -> Page<Thing> {
    guard let typeName = filter.typeName else {
      return things.page(request, where: { filter.accepts($0.value) }).map(\.value)
    }
    let page = thingsOfTypes.rights(of: typeName).page(
      request, where: { element in things[element.key].map(filter.accepts) ?? false })
    return Page(elements: page.elements.compactMap { things[$0.key] }, next: page.next)
  }

  // MARK: Checks

  /// Whether things may be given a type; `nil`, no type, is always allowed.
  private func checkAssociable(_ typeName: String?) throws(SandboxError) {
    guard let typeName else { return }
    guard try thingType(typeName).deprecatedAt == nil else {
      throw SandboxError(.invalidRequest, "Cannot associate a thing with the deprecated thing type \(typeName)")
    }
  }

  private static func checkAttributes(_ thing: Thing) throws(SandboxError) {
    let limit =
      thing.typeName == nil ? RegistryLimits.attributesWithoutType : RegistryLimits.attributesWithType
    guard thing.attributes.count <= limit else {
      throw SandboxError(
        .invalidRequest,
        "Thing \(thing.name) has \(thing.attributes.count) attributes; a thing "
          + "\(thing.typeName == nil ? "without" : "with") a thing type can have \(limit)")
    }
  }

  static func checkVersion(of subject: String, _ version: Int, expected: Int?) throws(SandboxError) {
    if let expected, expected != version {
      throw SandboxError(
        .versionConflict, "The version for \(subject) does not match the expected version \(expected)")
    }
  }
}
