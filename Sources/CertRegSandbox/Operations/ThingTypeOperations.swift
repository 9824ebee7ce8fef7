import CertRegCodec

extension SandboxOperation {
  /// Thing types: `/thing-types`.
  static let thingTypeOperations: [SandboxOperation] = [
    SandboxOperation(.createThingType, "POST", "/thing-types/{thingTypeName}") { input, scope throws(SandboxError) in
      let name = try input.path("thingTypeName", .name)
      let members = try input.body().object("thingTypeProperties")
      let properties = ThingTypeProperties(
        description: try members?.text("thingTypeDescription", .description),
        searchableAttributes: try members?.texts("searchableAttributes", .attributeName) ?? [],
        mqtt5Configuration: try members?.opaqueObject("mqtt5Configuration"))
      let type = try scope.store.change { content throws(SandboxError) in
        let id = content.nextID()
        return try content.make(content.register.thingTypeCreation(name, properties, id: id, at: scope.now))
      }
      return .object(of: [
        "thingTypeName": .string(name), "thingTypeArn": .string(scope.account.arn("thingtype/\(name)")),
        "thingTypeId": .string(type.id.description),
      ])
    },

    SandboxOperation(.describeThingType, "GET", "/thing-types/{thingTypeName}") {
      input, scope throws(SandboxError) in
      let name = try input.path("thingTypeName", .name)
      let type = try scope.store.read { register throws(SandboxError) in try register.thingType(name) }
      return .object(of: [
        "thingTypeName": .string(name), "thingTypeId": .string(type.id.description),
        "thingTypeArn": .string(scope.account.arn("thingtype/\(name)")),
        "thingTypeProperties": .properties(of: type), "thingTypeMetadata": .metadata(of: type),
      ])
    },

    SandboxOperation(.listThingTypes, "GET", "/thing-types") { input, scope throws(SandboxError) in
      let request = try input.query.page()
      let prefix = try input.query.text("thingTypeName", .name) ?? ""
      let page = try scope.store.read { $0.thingTypes(request, prefix: prefix) }
      return .page(page, "thingTypes") { type in
        .object(of: [
          "thingTypeName": .string(type.name),
          "thingTypeArn": .string(scope.account.arn("thingtype/\(type.name)")),
          "thingTypeProperties": .properties(of: type), "thingTypeMetadata": .metadata(of: type),
        ])
      }
    },

    SandboxOperation(.deprecateThingType, "POST", "/thing-types/{thingTypeName}/deprecate") {
      input, scope throws(SandboxError) in
      let name = try input.path("thingTypeName", .name)
      let isUndone = try input.body().flag("undoDeprecate") ?? false
      try scope.store.change { content throws(SandboxError) in
        try content.make(content.register.thingTypeDeprecation(name, undo: isUndone, at: scope.now))
      }
      return nil
    },

    SandboxOperation(.deleteThingType, "DELETE", "/thing-types/{thingTypeName}") {
      input, scope throws(SandboxError) in
      let name = try input.path("thingTypeName", .name)
      try scope.store.change { content throws(SandboxError) in
        try content.make(content.register.thingTypeDeletion(name, at: scope.now))
      }
      return nil
    },
  ]
}

extension JSONValue {
  /// `ThingTypeProperties`.
  fileprivate static func properties(of type: ThingType) -> JSONValue {
    let attributes = type.properties.searchableAttributes
    return .object(of: [
      "thingTypeDescription": type.properties.description.map { .string($0) },
      "searchableAttributes": attributes.isEmpty ? nil : .array(attributes.map { .string($0) }),
      "mqtt5Configuration": type.properties.mqtt5Configuration,
    ])
  }

  /// `ThingTypeMetadata`.
  fileprivate static func metadata(of type: ThingType) -> JSONValue {
    .object(of: [
      "deprecated": .bool(type.deprecatedAt != nil), "deprecationDate": type.deprecatedAt.map { .seconds($0) },
      "creationDate": .seconds(type.createdAt),
    ])
  }
}
