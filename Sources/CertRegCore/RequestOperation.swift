/// The operation of a request on the wire. The raw value is its name there and in rules of `access`.
package enum RequestOperation: String, CaseIterable, Sendable {
  /// The operation of a request that names none.
  case register
  case validate
  case lookup
  case forget
  case update
  case describe
  case watch
  case status
  case metrics
  /// Declares a member of the fleet gone.
  case removeMember
}
