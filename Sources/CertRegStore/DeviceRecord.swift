import CertRegCodec
package import CertRegCore

/// What a result says of the device of its certificate, as one JSON object: the members of the profile that was applied,
/// and `asked`. Versions that do not know `asked` skip it.
package struct DeviceRecord: Hashable, Sendable {
  /// The profile that was applied, or the part of it that was; `nil`: none.
  package var provisioned: Provisioned?
  /// See ``Registration/asked``.
  package var asked: AskedFor?

  init() {}

  /// What a result says; `nil`: nothing.
  package init?(_ registration: Registration) {
    provisioned = registration.provisioned
    asked = registration.asked
    if provisioned == nil, asked == nil { return nil }
  }

  init(_ json: JSONValue) {
    provisioned = Provisioned(json)
    asked = json["asked"].flatMap(AskedFor.init)
  }

  var json: JSONValue {
    let members = provisioned?.json.members ?? []
    return .object(members + (asked.map { [JSONValue.Member("asked", $0.json)] } ?? []))
  }
}

// The form in which other hosts of a fleet read it.
extension DeviceRecord {
  /// The object as text.
  package var text: String { json.jsonText }

  /// Reads another host's record; `nil`: it is none.
  package init?(text: String) {
    guard let json = try? JSONValue(parsing: text) else { return nil }
    self.init(json)
  }
}
