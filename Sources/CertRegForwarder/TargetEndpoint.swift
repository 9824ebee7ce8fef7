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
  /// The endpoint of Service Quotas, or why there is none.
  let serviceQuotas: Result<ServiceURL, CredentialsError>

  /// Whether the endpoint belongs to AWS, whose default quotas are known.
  package var isAWS: Bool { AWSPartition.owns(host: url.host) }

  /// Where results of this endpoint belong. All of AWS's endpoints of a region lead to the same registers.
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
    let shared: SharedProfiles
    do throws(CredentialsError) { shared = try profiles.profiles() } catch {
      throw UpstreamConfigurationError(error.message)
    }
    let profileName = profiles.profileName(for: configuration.credentials)
    let profile = shared.profiles[profileName]
    let isNone = configuration.withoutValue.contains(.region)
    var region = configuration.region
    if !isNone, region == nil {
      region = environment["AWS_REGION"] ?? environment["AWS_DEFAULT_REGION"] ?? profile?["region"]
    }
    var whyUnknown = isNone ? "; `region` of the target is `none`, so that nothing else is asked" : ""
    var mayPass = false
    if region == nil, !isNone, profile == nil, profiles.isNamed(profileName) {
      throw UpstreamConfigurationError(
        "target \(configuration.name): no region: the profile \(profileName), which may name it, is not in \(profiles.summary)"
      )
    }
    if region == nil, !isNone {
      do throws(CredentialsError) { region = try await instanceRegion() } catch {
        whyUnknown = "; the instance was asked for its own: \(error.message)"
        mayPass = isInstance && error.code == .unavailable
      }
    }
    let resolver = EndpointResolver(configuration, environment: environment, profiles: profiles)
    do throws(EndpointError) {
      url = try resolver.iot(region: region)
      guard let region else { throw .missingRegion }
      self.region = region
      serviceQuotas = Result { [url] () throws(CredentialsError) in
        try resolver.serviceQuotas(region: region, iot: url)
      }
    } catch {
      var remark = error == .missingRegion ? whyUnknown : ""
      if error == .malformedRegion, let region {
        // A file of others may hold anything.
        let shown = UpstreamText(secrets: environment.secrets).clean(region, limit: 64)
        remark = ": found \"\(shown)\" (from \(Self.origin(of: region, configuration, environment, profiles)))"
      }
      throw UpstreamConfigurationError(
        "target \(configuration.name): \(error)\(remark)", mayPass: error == .missingRegion && mayPass)
    }
  }

  /// Where a region comes from, for people.
  private static func origin(
    of region: String, _ configuration: TargetConfiguration, _ environment: ProcessEnvironment,
    _ profiles: SharedProfileStore
  ) -> String {
    if configuration.region == region { return "the configuration" }
    if let variable = ["AWS_REGION", "AWS_DEFAULT_REGION"].first(where: { environment[$0] == region }) {
      return variable
    }
    return "the profile \(profiles.profileName(for: configuration.credentials)) in \(profiles.summary)"
  }
}
