import CertRegCodec

extension SandboxOperation {
  /// Static thing groups: `/thing-groups`.
  static let thingGroupOperations: [SandboxOperation] = [
    SandboxOperation(.createThingGroup, "POST", "/thing-groups/{thingGroupName}") {
      input, scope throws(SandboxError) in
      let name = try input.path("thingGroupName", .name)
      let body = try input.body()
      let properties = try body.object("thingGroupProperties")
      let configuration = ThingGroupConfiguration(
        parentName: try body.text("parentGroupName", .name),
        description: try properties?.text("thingGroupDescription", .description),
        attributes: try properties?.object("attributePayload")?.attributes() ?? [:])
      let group = try scope.store.change { content throws(SandboxError) in
        let id = content.nextID()
        return try content.make(content.register.thingGroupCreation(name, configuration, id: id, at: scope.now))
      }
      return .object(of: [
        "thingGroupName": .string(name), "thingGroupArn": .string(scope.account.arn("thinggroup/\(name)")),
        "thingGroupId": .string(group.id.description),
      ])
    },

    SandboxOperation(.describeThingGroup, "GET", "/thing-groups/{thingGroupName}") {
      input, scope throws(SandboxError) in
      let name = try input.path("thingGroupName", .name)
      let (group, ancestors) = try scope.store.read { register throws(SandboxError) in
        let group = try register.thingGroup(name)
        return (group, register.ancestors(of: group))
      }
      return .description(of: group, below: ancestors, in: scope.account)
    },

    SandboxOperation(.listThingGroups, "GET", "/thing-groups") { input, scope throws(SandboxError) in
      let request = try input.query.page()
      let parent = try input.query.text("parentGroup", .name)
      let prefix = try input.query.text("namePrefixFilter", .name) ?? ""
      // Without `recursive` a parent has its direct children listed (AWS IoT Developer Guide, "Static thing groups").
      let isRecursive = try input.query.flag("recursive") ?? (parent == nil)
      let page = try scope.store.read { register throws(SandboxError) in
        try register.groups(below: parent, recursive: isRecursive, prefix: prefix, request)
      }
      return .page(page, "thingGroups") { .group($0, in: scope.account) }
    },

    SandboxOperation(.deleteThingGroup, "DELETE", "/thing-groups/{thingGroupName}") {
      input, scope throws(SandboxError) in
      let name = try input.path("thingGroupName", .name)
      let version = try input.query.integer("expectedVersion")
      try scope.store.change { content throws(SandboxError) in
        try content.make(content.register.thingGroupDeletion(name, expectedVersion: version))
      }
      return nil
    },

    SandboxOperation(.addThingToThingGroup, "PUT", "/thing-groups/addThingToThingGroup") {
      input, scope throws(SandboxError) in
      let (groupName, thingName) = try membership(input, in: scope.account)
      try scope.store.change { content throws(SandboxError) in
        try content.make(content.register.addition(ofThing: thingName, toGroup: groupName))
      }
      return nil
    },

    SandboxOperation(.removeThingFromThingGroup, "PUT", "/thing-groups/removeThingFromThingGroup") {
      input, scope throws(SandboxError) in
      let (groupName, thingName) = try membership(input, in: scope.account)
      try scope.store.change { content throws(SandboxError) in
        try content.make(content.register.removal(ofThing: thingName, fromGroup: groupName))
      }
      return nil
    },

    SandboxOperation(.listThingsInThingGroup, "GET", "/thing-groups/{thingGroupName}/things") {
      input, scope throws(SandboxError) in
      let name = try input.path("thingGroupName", .name)
      let request = try input.query.page()
      let isRecursive = try input.query.flag("recursive") ?? false
      let page = try scope.store.read { register throws(SandboxError) in
        try register.things(inGroup: name, recursive: isRecursive, request)
      }
      return .page(page, "things") { .string($0) }
    },

    SandboxOperation(.listThingGroupsForThing, "GET", "/things/{thingName}/thing-groups") {
      input, scope throws(SandboxError) in
      let name = try input.path("thingName", .name)
      let request = try input.query.page()
      let page = try scope.store.read { register throws(SandboxError) in
        try register.groups(ofThing: name, request)
      }
      return .page(page, "thingGroups") { .group($0, in: scope.account) }
    },
  ]

  /// The group and the thing of a request, each by its name, its ARN or both.
  private static func membership(
    _ input: OperationInput, in account: SandboxAccount
  ) throws(SandboxError) -> (groupName: String, thingName: String) {
    let body = try input.body()
    func name(_ nameMember: String, _ arnMember: String, _ resourceType: String) throws(SandboxError) -> String {
      let name = try body.text(nameMember, .name)
      guard let arn = try body.text(arnMember) else {
        guard let name else {
          throw SandboxError(
            .invalidRequest,
            "Both \(arnMember) and \(nameMember) are empty. Need to specify at least one of them")
        }
        return name
      }
      let prefix = "\(resourceType)/"
      guard let resource = account.resource(ofARN: arn), resource.hasPrefix(prefix) else {
        throw .constraint("Member must be the ARN of a \(resourceType) of this account", at: arnMember, value: arn)
      }
      let named = try TextConstraint.name.check(String(resource.dropFirst(prefix.count)), at: arnMember)
      guard name == nil || name == named else {
        throw SandboxError(.invalidRequest, "\(arnMember) does not match specified \(nameMember) in request")
      }
      return named
    }
    return (
      try name("thingGroupName", "thingGroupArn", "thinggroup"), try name("thingName", "thingArn", "thing")
    )
  }
}

extension JSONValue {
  /// `GroupNameAndArn`.
  fileprivate static func group(_ name: String, in account: SandboxAccount) -> JSONValue {
    .object(of: ["groupName": .string(name), "groupArn": .string(account.arn("thinggroup/\(name)"))])
  }

  /// The output of DescribeThingGroup.
  fileprivate static func description(
    of group: ThingGroup, below ancestors: [ThingGroup], in account: SandboxAccount
  ) -> JSONValue {
    let attributes = JSONValue.object(of: ["attributes": .map(group.attributes)])
    return .object(of: [
      "thingGroupName": .string(group.name), "thingGroupId": .string(group.id.description),
      "thingGroupArn": .string(account.arn("thinggroup/\(group.name)")), "version": .integer(ThingGroup.version),
      "thingGroupProperties": .object(of: [
        "thingGroupDescription": group.description.map { .string($0) },
        "attributePayload": group.attributes.isEmpty ? nil : attributes,
      ]),
      "thingGroupMetadata": .object(of: [
        "parentGroupName": group.parentName.map { .string($0) },
        "rootToParentThingGroups": ancestors.isEmpty
          ? nil : .array(ancestors.map { JSONValue.group($0.name, in: account) }),
        "creationDate": .seconds(group.createdAt),
      ]),
    ])
  }
}
