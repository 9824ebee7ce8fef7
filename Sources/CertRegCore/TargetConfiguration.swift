/// How one target's upstream is reached, as the configuration's `targets.NAME` section says.
package struct TargetConfiguration: Hashable, Sendable {
  package var name: TargetName
  /// `nil`: from the environment or the profile.
  package var region: String?
  /// A URL; `nil`: the region's own endpoint.
  package var endpoint: String?
  package var fips = false
  package var dualStack = false
  package var credentials = CredentialsConfiguration.chain
  /// Calls a second to start from; `nil`: 10 for AWS endpoints, no pace elsewhere until the upstream throttles.
  package var ratePerSecond: Double?
  /// Calls a second that are never passed; `nil`: as many as the upstream takes.
  package var maxRatePerSecond: Double?
  package var burst: Double?
  /// Most calls under way at once.
  package var maxConcurrent = 32
  package var connectTimeout = Duration.seconds(5)
  package var requestTimeout = Duration.seconds(30)
  /// `http://host:port`; `nil`: `HTTPS_PROXY` and `NO_PROXY` of the environment.
  package var proxy: String?
  /// PEM file of the authorities that the endpoint's certificate is checked against; `nil`: `AWS_CA_BUNDLE`, else the system's.
  package var caFile: String?
  /// Ask with DescribeCertificate for the status of a certificate that the upstream had already.
  package var describeExisting = false

  package init(name: TargetName) {
    self.name = name
  }
}

/// Where a target's credentials come from.
package enum CredentialsConfiguration: Hashable, Sendable {
  /// The provider chain in the order of the AWS SDKs.
  case chain
  case environment
  /// Profile of the shared files; `nil`: `AWS_PROFILE`, else `default`. `file`: the credentials file where it is not the usual one.
  case profile(name: String?, file: String?)
  /// A command line that prints credentials as JSON.
  case process(command: String)
  case container(uri: String?)
  case instanceMetadata(endpoint: String?)
  case webIdentity(roleARN: String, tokenFile: String, sessionName: String?)
  case assumeRole(roleARN: String, sourceProfile: String?, sessionName: String?, externalID: String?)
  /// AWS IoT's credential provider: mutual TLS with a device certificate and a role alias.
  case iotProvider(
    endpoint: String, roleAlias: String, thingName: String?, certificateFile: String, privateKeyFile: String,
    caFile: String?)
  /// IAM Roles Anywhere.
  case rolesAnywhere(
    trustAnchorARN: String, profileARN: String, roleARN: String, certificateFile: String, privateKeyFile: String,
    chainFile: String?)
}
