import CertRegCodec

extension SandboxOperation {
  /// Things: `/things`.
  static let thingOperations: [SandboxOperation] = [
    SandboxOperation(.createThing, "POST", "/things/{thingName}") { input, scope throws(SandboxError) in
      let name = try input.path("thingName", .name)
      let body = try input.body()
      let configuration = ThingConfiguration(
        typeName: try body.text("thingTypeName", .name),
        attributes: try body.object("attributePayload")?.attributes() ?? [:])
      try checkBillingGroup(try body.text("billingGroupName", .name))
      let thing = try scope.store.change { content throws(SandboxError) in
        let id = content.nextID()
        return try content.make(content.register.thingCreation(name, configuration, id: id))
      }
      return .object(of: [
        "thingName": .string(name), "thingArn": .string(scope.account.arn("thing/\(name)")),
        "thingId": .string(thing.id.description),
      ])
    },

    SandboxOperation(.describeThing, "GET", "/things/{thingName}") { input, scope throws(SandboxError) in
      let name = try input.path("thingName", .name)
      let thing = try scope.store.read { register throws(SandboxError) in try register.thing(name) }
      return .object(of: [
        "defaultClientId": .string(name), "thingName": .string(name), "thingId": .string(thing.id.description),
        "thingArn": .string(scope.account.arn("thing/\(name)")),
        "thingTypeName": thing.typeName.map { .string($0) }, "attributes": .map(thing.attributes),
        "version": .integer(thing.version),
      ])
    },

    SandboxOperation(.updateThing, "PATCH", "/things/{thingName}") { input, scope throws(SandboxError) in
      let name = try input.path("thingName", .name)
      let body = try input.body()
      var update = ThingUpdate()
      update.typeName = try body.text("thingTypeName", .name)
      update.removesType = try body.flag("removeThingType") ?? false
      update.expectedVersion = try body.integer("expectedVersion")
      let payload = try body.object("attributePayload")
      update.attributes = try payload?.attributes()
      update.mergesAttributes = try payload?.flag("merge") ?? false
      try scope.store.change { content throws(SandboxError) in
        _ = try content.make(content.register.thingUpdate(name, update))
      }
      return nil
    },

    SandboxOperation(.deleteThing, "DELETE", "/things/{thingName}") { input, scope throws(SandboxError) in
      let name = try input.path("thingName", .name)
      let version = try input.query.integer("expectedVersion")
      try scope.store.change { content throws(SandboxError) in
        try content.make(content.register.thingDeletion(name, expectedVersion: version))
      }
      return nil
    },

    SandboxOperation(.listThings, "GET", "/things") { input, scope throws(SandboxError) in
      let request = try input.query.page()
      var filter = ThingFilter()
      filter.attributeName = try input.query.text("attributeName", .attributeName)
      filter.attributeValue = try input.query.text("attributeValue", .attributeValue)
      filter.isPrefix = try input.query.flag("usePrefixAttributeValue") ?? false
      filter.typeName = try input.query.text("thingTypeName", .name)
      let page = try scope.store.read { $0.things(request, filter) }
      return .page(page, "things") { thing in
        .object(of: [
          "thingName": .string(thing.name), "thingTypeName": thing.typeName.map { .string($0) },
          "thingArn": .string(scope.account.arn("thing/\(thing.name)")), "attributes": .map(thing.attributes),
          "version": .integer(thing.version),
        ])
      }
    },
  ]

  /// The sandbox has no billing groups, so that none can be found.
  static func checkBillingGroup(_ name: String?) throws(SandboxError) {
    if let name { throw SandboxError(.resourceNotFound, "Billing group \(name) cannot be found") }
  }
}

extension BodyMembers {
  /// `attributes` of an AttributePayload.
  func attributes() throws(SandboxError) -> [String: String]? {
    try map("attributes", names: .attributeName, values: .attributeValue)
  }
}
