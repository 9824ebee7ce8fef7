package import CertRegCodec
package import CertRegCore

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
