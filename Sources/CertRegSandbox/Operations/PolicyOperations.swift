import CertRegCodec

extension SandboxOperation {
  /// Policies and what they are attached to: `/policies`, `/target-policies`.
  static let policyOperations: [SandboxOperation] = [
    SandboxOperation(.createPolicy, "POST", "/policies/{policyName}") { input, scope throws(SandboxError) in
      let name = try input.path("policyName", .policyName)
      let document = try input.body().required("policyDocument", .policyDocument)
      let policy = try scope.store.change { content throws(SandboxError) in
        let id = content.nextID()
        return try content.make(
          content.register.policyCreation(name, document: document, generationID: id, at: scope.now))
      }
      return .object(of: [
        "policyName": .string(name), "policyArn": .string(scope.account.arn("policy/\(name)")),
        "policyDocument": .string(policy.document), "policyVersionId": .string(Policy.versionID),
      ])
    },

    SandboxOperation(.getPolicy, "GET", "/policies/{policyName}") { input, scope throws(SandboxError) in
      let name = try input.path("policyName", .policyName)
      let policy = try scope.store.read { register throws(SandboxError) in try register.policy(name) }
      return .object(of: [
        "policyName": .string(name), "policyArn": .string(scope.account.arn("policy/\(name)")),
        "policyDocument": .string(policy.document), "defaultVersionId": .string(Policy.versionID),
        "creationDate": .seconds(policy.createdAt), "lastModifiedDate": .seconds(policy.createdAt),
        "generationId": .string(policy.generationID.description),
      ])
    },

    SandboxOperation(.listPolicies, "GET", "/policies") { input, scope throws(SandboxError) in
      let request = try input.query.markerPage(ascending: try input.query.flag("isAscendingOrder") ?? false)
      let page = try scope.store.read { $0.policies.page(request).map(\.key) }
      return .page(page, "policies", next: "nextMarker") { .policy($0, in: scope.account) }
    },

    SandboxOperation(.deletePolicy, "DELETE", "/policies/{policyName}") { input, scope throws(SandboxError) in
      let name = try input.path("policyName", .policyName)
      try scope.store.change { content throws(SandboxError) in
        try content.make(content.register.policyDeletion(name))
      }
      return nil
    },

    SandboxOperation(.attachPolicy, "PUT", "/target-policies/{policyName}") { input, scope throws(SandboxError) in
      let name = try input.path("policyName", .policyName)
      let target = try bodyTarget(input, in: scope.account)
      try scope.store.change { content throws(SandboxError) in
        try content.make(content.register.attachment(ofPolicy: name, to: target))
      }
      return nil
    },

    SandboxOperation(.detachPolicy, "POST", "/target-policies/{policyName}") { input, scope throws(SandboxError) in
      let name = try input.path("policyName", .policyName)
      let target = try bodyTarget(input, in: scope.account)
      try scope.store.change { content throws(SandboxError) in
        try content.make(content.register.detachment(ofPolicy: name, from: target))
      }
      return nil
    },

    SandboxOperation(.listAttachedPolicies, "POST", "/attached-policies/{target}") {
      input, scope throws(SandboxError) in
      let target = try input.pathTarget(in: scope.account)
      let request = try input.query.markerPage()
      let isRecursive = try input.query.flag("recursive") ?? false
      let page = try scope.store.read { register throws(SandboxError) in
        try register.policies(of: target, recursive: isRecursive, request)
      }
      return .page(page, "policies", next: "nextMarker") { .policy($0, in: scope.account) }
    },

    SandboxOperation(.listTargetsForPolicy, "POST", "/policy-targets/{policyName}") {
      input, scope throws(SandboxError) in
      let name = try input.path("policyName", .policyName)
      let request = try input.query.markerPage()
      let page = try scope.store.read { register throws(SandboxError) in
        try register.targets(ofPolicy: name, request)
      }
      return .page(page, "targets", next: "nextMarker") { .string($0.text(in: scope.account)) }
    },
  ]

  private static func bodyTarget(
    _ input: OperationInput, in account: SandboxAccount
  ) throws(SandboxError) -> Target {
    try OperationInput.target(try input.body().required("target"), at: "target", in: account)
  }
}

extension JSONValue {
  /// `Policy`, the element of a list.
  fileprivate static func policy(_ name: String, in account: SandboxAccount) -> JSONValue {
    .object(of: ["policyName": .string(name), "policyArn": .string(account.arn("policy/\(name)"))])
  }
}
