import CertRegCodec

extension SandboxOperation {
  /// Principals of things: `/things/{thingName}/principals`, `/principals`.
  static let principalOperations: [SandboxOperation] = [
    SandboxOperation(.attachThingPrincipal, "PUT", "/things/{thingName}/principals") {
      input, scope throws(SandboxError) in
      let name = try input.path("thingName", .name)
      let principal = try input.principal(in: scope.account)
      let type: ThingPrincipalType = try input.query.choice("thingPrincipalType") ?? .nonExclusiveThing
      try scope.store.change { content throws(SandboxError) in
        try content.make(content.register.attachment(of: principal, toThing: name, type))
      }
      return nil
    },

    SandboxOperation(.detachThingPrincipal, "DELETE", "/things/{thingName}/principals") {
      input, scope throws(SandboxError) in
      let name = try input.path("thingName", .name)
      let principal = try input.principal(in: scope.account)
      try scope.store.change { content throws(SandboxError) in
        try content.make(content.register.detachment(of: principal, fromThing: name))
      }
      return nil
    },

    SandboxOperation(.listThingPrincipals, "GET", "/things/{thingName}/principals") {
      input, scope throws(SandboxError) in
      .page(try principals(input, scope), "principals") { .string($0.key.text(in: scope.account)) }
    },

    SandboxOperation(.listThingPrincipalsV2, "GET", "/things/{thingName}/principals-v2") {
      input, scope throws(SandboxError) in
      .page(try principals(input, scope), "thingPrincipalObjects") { element in
        .object(of: [
          "principal": .string(element.key.text(in: scope.account)),
          "thingPrincipalType": .string(element.value.rawValue),
        ])
      }
    },

    SandboxOperation(.listPrincipalThings, "GET", "/principals/things") { input, scope throws(SandboxError) in
      .page(try things(input, scope), "things") { .string($0.key) }
    },

    SandboxOperation(.listPrincipalThingsV2, "GET", "/principals/things-v2") {
      input, scope throws(SandboxError) in
      .page(try things(input, scope), "principalThingObjects") { element in
        .object(of: ["thingName": .string(element.key), "thingPrincipalType": .string(element.value.rawValue)])
      }
    },
  ]

  private static func principals(
    _ input: OperationInput, _ scope: OperationScope
  ) throws(SandboxError) -> Page<(key: Target, value: ThingPrincipalType)> {
    let name = try input.path("thingName", .name)
    let request = try input.query.page()
    let type: ThingPrincipalType? = try input.query.choice("thingPrincipalType")
    return try scope.store.read { register throws(SandboxError) in
      try register.principals(ofThing: name, type, request)
    }
  }

  private static func things(
    _ input: OperationInput, _ scope: OperationScope
  ) throws(SandboxError) -> Page<(key: String, value: ThingPrincipalType)> {
    let principal = try input.principal(in: scope.account)
    let request = try input.query.page()
    let type: ThingPrincipalType? = try input.query.choice("thingPrincipalType")
    return try scope.store.read { register throws(SandboxError) in
      try register.things(ofPrincipal: principal, type, request)
    }
  }
}
