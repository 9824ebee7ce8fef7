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
