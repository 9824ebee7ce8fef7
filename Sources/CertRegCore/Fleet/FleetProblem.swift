/// Why a member is on its own.
package struct FleetProblem: Error, Hashable, Sendable {
  /// Stable words, for `status`.
  package enum Reason: String, CaseIterable, Sendable {
    case unreachable = "fleet_unreachable"
    case notInitialised = "fleet_not_initialised"
    case schemaNewer = "fleet_schema_newer"
    case schemaOlder = "fleet_schema_older"
    case refused = "fleet_refused"
    case nameTaken = "fleet_name_taken"
    case targetDiffers = "fleet_target_differs"
  }

  /// The word for it.
  package var reason: Reason
  /// For people: what is wrong and what to do.
  package var message: String

  package init(_ reason: Reason, _ message: String) {
    self.reason = reason
    self.message = message
  }
}
