/// Something about the state that the operator should know and that is no failure of a call.
package struct StoreNotice: Hashable, Sendable {
  /// What happened.
  package enum Kind: Hashable, Sendable {
    /// The state was brought to the form that this version works with.
    case migrated
    /// The state is damaged.
    case damaged
    /// Damaged files or rows were kept for inspection, out of the way of the daemon.
    case setAside
    /// What could still be read was taken over.
    case salvaged
    /// Changes that had been reported as durable are not there.
    case commitsMissing
    /// A file that only guards the others cannot be written.
    case unguarded
  }

  package var kind: Kind
  /// For the log: names files and numbers, never the content of a row.
  package var message: String

  package init(_ kind: Kind, message: String) {
    self.kind = kind
    self.message = message
  }
}
