/// A fact about the state that the operator should know and that is no failure of a call.
package struct StoreNotice: Hashable, Sendable {
  /// What happened.
  package enum Kind: Hashable, Sendable {
    /// The state was brought to the form of this version.
    case migrated
    /// The state is damaged.
    case damaged
    /// Damaged files or rows were moved out of the way and kept for inspection.
    case setAside
    /// Everything that can still be read was taken over.
    case salvaged
    /// Changes that had been reported as durable are missing.
    case commitsMissing
    /// A file that guards the others cannot be written.
    case unguarded
  }

  /// The kind of fact.
  package var kind: Kind
  /// For the log: names files and numbers, never the content of a row.
  package var message: String

  package init(_ kind: Kind, message: String) {
    self.kind = kind
    self.message = message
  }
}
