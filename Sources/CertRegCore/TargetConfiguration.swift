/// The address, identity and limits of one target: the configuration's `targets.NAME` section.
package struct TargetConfiguration: Hashable, Sendable {
  /// The name that requests, logs and metrics use.
  package var name: TargetName
  /// `nil`: from the environment or the profile.
  package var region: String?
  /// A URL; `nil`: the region's own endpoint.
  package var endpoint: String?
  /// Use AWS's FIPS 140 endpoints; `nil`: as `AWS_USE_FIPS_ENDPOINT` or the profile says.
  package var fips: Bool?
  /// Use AWS's endpoints that are reached by IPv4 and IPv6; `nil`: as `AWS_USE_DUALSTACK_ENDPOINT` or the profile says.
  package var dualStack: Bool?
  package var credentials = CredentialsConfiguration.chain
  /// The initial rate in calls a second; `nil`: 10 for AWS endpoints, elsewhere no limit until the upstream throttles.
  package var ratePerSecond: Double?
  /// `ratePerSecond: account`: ask Service Quotas for the account's own rate. `ratePerSecond` is `nil` then.
  package var asksForRate = false
  /// Calls a second that are never passed; `nil`: as many as the upstream takes.
  package var maxRatePerSecond: Double?
  /// The initial rates of the other calls, in calls a second. Those left out: AWS's quotas for AWS endpoints, elsewhere
  /// no limit until the upstream throttles.
  package var rates: [UpstreamOperation: Double] = [:]
  /// The provisioning profile of requests that name none; `nil`: their certificates are only registered.
  package var profile: String?
  /// Most calls in one moment after a pause; `nil`: 10.
  package var burst: Double?
  /// The most calls under way at one time.
  package var maxConcurrent = 32
  /// Time limit for name resolution, TCP and TLS of a new connection.
  package var connectTimeout = Duration.seconds(5)
  /// Time limit of a request, from its start to the last byte of the reply.
  package var requestTimeout = Duration.seconds(30)
  /// `http://host:port`; `nil`: `HTTPS_PROXY` and `NO_PROXY` of the environment.
  package var proxy: String?
  /// PEM file of the authorities that the endpoint's certificate is checked against; `nil`: `AWS_CA_BUNDLE`, else the
  /// profile's `ca_bundle`, else the system's.
  package var caFile: String?
  /// Ask for the status of certificates that exist already in the upstream, with DescribeCertificate.
  package var describeExisting = false
  /// Settings that are `none`: neither the environment, nor a profile, nor a default takes their place. Their
  /// properties are `nil`.
  package var withoutValue: Set<InheritedSetting> = []
  /// Settings whose values come from variables of the AWS SDKs, which a profile may tell to ignore.
  package var fromSDKVariables: Set<InheritedSetting> = []

  package init(name: TargetName) {
    self.name = name
  }
}

/// A setting of a target that something else fills if it is left out: the environment, the profile, or a default that
/// depends on the endpoint.
package enum InheritedSetting: String, Hashable, Sendable, CaseIterable {
  case region
  case endpoint
  case fips
  case dualStack
  case ratePerSecond
  case proxy
  case caFile
}

/// The source of a target's credentials.
package enum CredentialsConfiguration: Hashable, Sendable {
  /// The provider chain in the order of the AWS SDKs.
  case chain
  case environment
  /// A profile of the shared files; `nil`: `AWS_PROFILE`, else `default`. `file`: another credentials file than the
  /// usual one.
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

  /// The files that it names, all of which have to be there.
  package var files: [String] {
    switch self {
    case .chain, .environment, .process, .container, .instanceMetadata, .assumeRole: []
    case .profile(_, let file): [file].compactMap(\.self)
    case .webIdentity(_, let tokenFile, _): [tokenFile]
    case .iotProvider(_, _, _, let certificateFile, let privateKeyFile, let caFile):
      [certificateFile, privateKeyFile, caFile].compactMap(\.self)
    case .rolesAnywhere(_, _, _, let certificateFile, let privateKeyFile, let chainFile):
      [certificateFile, privateKeyFile, chainFile].compactMap(\.self)
    }
  }
}
