/// What was asked for of a certificate and is not so: `describe` has found something else in the upstream. What is known
/// says what there is, so that this is kept beside it.
package struct AskedFor: Hashable, Sendable {
  /// The status that was known; `nil`: the status is as it was asked for.
  package var status: CertificateStatus?
  /// The thing that was attached; `nil`: none was, or the device is as it was asked for.
  package var thingName: String?
  /// The names of the policies that were attached; empty: none were, or the device is as it was asked for.
  package var policies: [String]

  package init(status: CertificateStatus? = nil, thingName: String? = nil, policies: [String] = []) {
    self.status = status
    self.thingName = thingName
    self.policies = policies
  }

  /// Whether nothing differs.
  package var isEmpty: Bool { self == AskedFor() }

  /// What the end of a job leaves of it: a status that was set settles the status, and a device that is complete the
  /// thing and the policies.
  ///
  /// - Parameters:
  ///   - result: What the job has left.
  ///   - earlier: The status that was known before it.
  /// - Returns: `nil`: nothing.
  package func left(by result: Registration, after earlier: CertificateStatus?) -> AskedFor? {
    var left = self
    if result.status != nil, result.status != earlier { left.status = nil }
    if result.failure == nil, result.provisioned?.isComplete == true { (left.thingName, left.policies) = (nil, []) }
    return left.isEmpty ? nil : left
  }
}

extension Registration {
  /// Notes what was asked for before what is known is corrected.
  ///
  /// - Parameters:
  ///   - found: The status in the upstream.
  ///   - hasDevice: Whether all that a profile has attached is attached still.
  package mutating func noteAsked(found: CertificateStatus, hasDevice: Bool) {
    var asked = asked ?? AskedFor()
    asked.status = asked.status ?? status
    if asked.status == found { asked.status = nil }
    if !hasDevice, asked.thingName == nil, asked.policies.isEmpty, let resources = provisioned?.resources {
      (asked.thingName, asked.policies) = (resources.thingName, resources.policies)
    }
    self.asked = asked.isEmpty ? nil : asked
  }
}
