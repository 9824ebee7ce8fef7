package import CertRegCore

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
