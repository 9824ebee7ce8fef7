/// The service and region for which a signature is valid. With the day, it is the credential scope of Signature Version
/// 4.
package struct SigningScope: Hashable, Sendable {
  /// The last element of every credential scope.
  package static let terminator = "aws4_request"

  /// The region, such as `eu-central-1`.
  package let region: String
  /// The service's signing name: `iot`, `sts`, `rolesanywhere`.
  package let service: String

  package init(region: String, service: String) {
    self.region = region
    self.service = service
  }

  /// `20261124/eu-central-1/iot/aws4_request`. `day` has the form `YYYYMMDD`.
  package func credentialScope(day: some StringProtocol) -> String {
    "\(day)/\(region)/\(service)/\(SigningScope.terminator)"
  }
}
