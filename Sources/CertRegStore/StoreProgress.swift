/// A sign that opening a store takes long and goes on.
package struct StoreProgress: Hashable, Sendable {
  /// The work and how far it has come, for an operator: "taking over results: page 1200 of 50000".
  package var message: String
  /// Time within which the next sign comes, or the store is open.
  package var allowance: Duration

  package init(message: String, allowance: Duration) {
    self.message = message
    self.allowance = allowance
  }
}
