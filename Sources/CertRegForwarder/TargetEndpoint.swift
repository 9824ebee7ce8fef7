package import CertRegCore

/// A target that cannot be used as it is configured.
package struct UpstreamConfigurationError: Error, Hashable, Sendable, CustomStringConvertible {
  /// Tells the operator what is wrong and what to change.
  package let description: String
  /// Whether the target may become usable without a change of the configuration.
  package let mayPass: Bool

  package init(_ description: String, mayPass: Bool = false) {
    self.description = description
    self.mayPass = mayPass
  }
}

/// A target's region and endpoint, from its configuration, the environment and the shared files, in this order, and the
/// region from the instance's metadata if none of them has it. This is the order of the AWS SDKs.
package struct TargetEndpoint: Hashable, Sendable {
  /// Where calls go: AWS's endpoint of the region, or the configured one.
  package let url: ServiceURL
  /// The region that signatures name.
  package let region: String

  /// Whether the endpoint belongs to AWS, whose default quotas are known.
  package var isAWS: Bool { AWSPartition.owns(host: url.host) }

  /// Where results of this endpoint belong. All of AWS's endpoints of a region lead to the same registers. The query of
  /// the URL is left out: it may hold a secret.
  package var location: UpstreamLocation {
    if isAWS { return .aws(region: region) }
    return .endpoint("\(url.scheme.rawValue)://\(url.authority)\(url.path)", region: region)
  }

  /// - Parameters:
  ///   - isInstance: Whether the host is an EC2 instance, whose metadata service will answer sooner or later.
  ///   - instanceRegion: Asks the instance's metadata for the region; called only if nothing else names one.
  /// - Throws: `UpstreamConfigurationError` if there is no region or no usable endpoint.
  package init(
    configuration: TargetConfiguration, environment: ProcessEnvironment, profiles: SharedProfileStore,
    isInstance: Bool = false, instanceRegion: () async throws(CredentialsError) -> String? = { nil }
  ) async throws(UpstreamConfigurationError) {
    var profileName = profiles.defaultProfileName
    if case .profile(let name?, _) = configuration.credentials { profileName = name }
    let shared: SharedProfiles
    do throws(CredentialsError) { shared = try profiles.profiles() } catch {
      throw UpstreamConfigurationError(error.message)
    }
    let profile = shared.profiles[profileName]
    var region =
      configuration.region ?? environment["AWS_REGION"] ?? environment["AWS_DEFAULT_REGION"] ?? profile?["region"]
    var whyUnknown = ""
    var mayPass = false
    if region == nil {
      do throws(CredentialsError) { region = try await instanceRegion() } catch {
        whyUnknown = "; the instance was asked for its own: \(error.message)"
        mayPass = isInstance && error.code == .unavailable
      }
    }
    // Flags of the environment and the profile count for AWS's endpoints only: a target with an endpoint of its own
    // must not fail because the host is set up for FIPS.
    let usesOwnEndpoint = configuration.endpoint != nil
    let fips =
      configuration.fips
      || !usesOwnEndpoint && (environment.flag("AWS_USE_FIPS_ENDPOINT") || profile?.flag("use_fips_endpoint") == true)
    let dualStack =
      configuration.dualStack
      || !usesOwnEndpoint
        && (environment.flag("AWS_USE_DUALSTACK_ENDPOINT") || profile?.flag("use_dualstack_endpoint") == true)
    var customURL = configuration.endpoint
    if customURL == nil, !environment.flag("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS") {
      customURL =
        environment["AWS_ENDPOINT_URL_IOT"] ?? environment["AWS_ENDPOINT_URL"]
        ?? profile.flatMap { shared.endpoint(profile: $0, service: "iot") }
    }
    do throws(EndpointError) {
      url = try ServiceEndpoint.iot(region: region, fips: fips, dualStack: dualStack, customURL: customURL)
      guard let region else { throw .missingRegion }
      self.region = region
    } catch {
      throw UpstreamConfigurationError(
        "target \(configuration.name): \(error)\(error == .missingRegion ? whyUnknown : "")",
        mayPass: error == .missingRegion && mayPass)
    }
  }
}
