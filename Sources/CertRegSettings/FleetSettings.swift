package import CertRegCore

/// The fleet that the host belongs to.
package struct FleetSettings: Sendable, Equatable {
  /// The database that the members have in common; `nil`: there is no fleet.
  package var url: FleetURL?
  /// The host's name in the fleet; `nil`: the host name.
  package var member: String?
  /// Absolute path of a file with the password; `nil`: libpq finds one itself, or none is needed.
  package var passwordFile: String?
  /// The silence after which the others take this host's queue over.
  package var takeover = Duration.seconds(120)

  package init() {}
}

extension ValueForm<FleetURL> {
  static let fleetURL = ValueForm(name: "URL of PostgreSQL") { (text) throws(ValueProblem) -> FleetURL in
    do throws(FleetURL.Fault) { return try FleetURL(text) } catch { throw ValueProblem(error.message) }
  } format: {
    $0.description
  }
}

extension ValueForm<String> {
  /// A name that people see, and that goes into a database.
  static let fleetMember = ValueForm(name: "name of 1 to 63 characters") { (text) throws(ValueProblem) -> String in
    guard (1...63).contains(text.unicodeScalars.count),
      text.unicodeScalars.allSatisfy({ $0.value > 0x20 && $0.value != 0x7f })
    else { throw ValueProblem("\(quoted(text)) is not a name of 1 to 63 characters without blanks") }
    return text
  } format: {
    $0
  }
}
