package import CertRegCodec
package import CertRegCore

/// A thing of the registry (API reference, DescribeThing).
package struct Thing: Hashable, Sendable {
  /// `thingName`.
  package var name: String
  /// `thingId`.
  package var id: UniqueID
  /// `thingTypeName`.
  package var typeName: String?
  /// `attributes`.
  package var attributes: [String: String]
  /// Begins with 1 and grows by one with each update.
  package var version: Int

  package init(name: String, id: UniqueID, typeName: String?, attributes: [String: String], version: Int) {
    self.name = name
    self.id = id
    self.typeName = typeName
    self.attributes = attributes
    self.version = version
  }
}

/// A thing type (API reference, DescribeThingType).
package struct ThingType: Hashable, Sendable {
  /// `thingTypeName`.
  package var name: String
  /// `thingTypeId`.
  package var id: UniqueID
  /// `thingTypeProperties`.
  package var properties: ThingTypeProperties
  /// `creationDate`.
  package var createdAt: WallTime
  /// `deprecationDate`; `nil` for a type that is not deprecated.
  package var deprecatedAt: WallTime?

  package init(
    name: String, id: UniqueID, properties: ThingTypeProperties, createdAt: WallTime, deprecatedAt: WallTime? = nil
  ) {
    self.name = name
    self.id = id
    self.properties = properties
    self.createdAt = createdAt
    self.deprecatedAt = deprecatedAt
  }
}

/// What describes a thing type (API reference, ThingTypeProperties).
package struct ThingTypeProperties: Hashable, Sendable {
  /// `thingTypeDescription`.
  package var description: String?
  /// `searchableAttributes`.
  package var searchableAttributes: [String]
  /// `mqtt5Configuration`, kept as it came.
  package var mqtt5Configuration: JSONValue?

  package init(
    description: String? = nil, searchableAttributes: [String] = [], mqtt5Configuration: JSONValue? = nil
  ) {
    self.description = description
    self.searchableAttributes = searchableAttributes
    self.mqtt5Configuration = mqtt5Configuration
  }
}

/// A static thing group (API reference, DescribeThingGroup).
package struct ThingGroup: Hashable, Sendable {
  /// `thingGroupName`.
  package var name: String
  /// `thingGroupId`.
  package var id: UniqueID
  /// `parentGroupName`.
  package var parentName: String?
  /// `thingGroupDescription`.
  package var description: String?
  /// `attributes`.
  package var attributes: [String: String]
  /// `creationDate`.
  package var createdAt: WallTime
  /// `version`: groups are never updated here.
  package static let version = 1

  package init(
    name: String, id: UniqueID, parentName: String? = nil, description: String? = nil,
    attributes: [String: String] = [:], createdAt: WallTime
  ) {
    self.name = name
    self.id = id
    self.parentName = parentName
    self.description = description
    self.attributes = attributes
    self.createdAt = createdAt
  }
}

/// A policy with its only version (API reference, GetPolicy).
package struct Policy: Hashable, Sendable {
  /// `policyName`.
  package var name: String
  /// `policyDocument`.
  package var document: String
  /// `creationDate`.
  package var createdAt: WallTime
  /// `generationId`.
  package var generationID: UniqueID
  /// `defaultVersionId`.
  package static let versionID = "1"

  package init(name: String, document: String, createdAt: WallTime, generationID: UniqueID) {
    self.name = name
    self.document = document
    self.createdAt = createdAt
    self.generationID = generationID
  }
}

/// The relation between a principal and a thing (API reference, AttachThingPrincipal).
package enum ThingPrincipalType: String, CaseIterable, Sendable {
  /// The thing is the only one of the principal.
  case exclusiveThing = "EXCLUSIVE_THING"
  /// The principal may have other things.
  case nonExclusiveThing = "NON_EXCLUSIVE_THING"
}

/// A principal, or another target of policies.
package enum Target: Hashable, Sendable {
  case certificate(CertificateID)
  case thingGroup(name: String)
  /// An identity of Amazon Cognito, `REGION:UUID`. Whether it exists is not known to AWS IoT.
  case identity(String)

  /// Reads `target` or `principal` of a request: an ARN of the account, or an identity.
  package init?(_ text: String, in account: SandboxAccount) {
    if let resource = account.resource(ofARN: text) {
      self.init(resource: resource)
      if case .identity = self { return nil }
    } else {
      self.init(resource: "identity/\(text)")
    }
  }

  /// Reads what `resource` writes.
  package init?(resource: String) {
    let parts = resource.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
    guard parts.count == 2, !parts[1].isEmpty else { return nil }
    switch parts[0] {
    case "cert":
      guard let id = CertificateID(hex: parts[1].utf8) else { return nil }
      self = .certificate(id)
    case "thinggroup":
      self = .thingGroup(name: parts[1])
    case "identity":
      let identity = parts[1].split(separator: ":", omittingEmptySubsequences: false).map(String.init)
      guard identity.count == 2, !identity[0].isEmpty, UniqueID.isUUID(identity[1]) else { return nil }
      self = .identity(parts[1])
    default: return nil
    }
  }

  /// The target in a state file.
  package var resource: String {
    switch self {
    case .certificate(let id): "cert/\(id.hex)"
    case .thingGroup(let name): "thinggroup/\(name)"
    case .identity(let id): "identity/\(id)"
    }
  }

  /// The target in answers.
  package func text(in account: SandboxAccount) -> String {
    if case .identity(let id) = self { return id }
    return account.arn(resource)
  }
}
