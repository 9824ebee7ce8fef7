package import CertRegCore
import Logging

extension AWSUpstreamClient {
  /// A target's client with everything that its configuration names. It waits for the network only if the region has to
  /// come from instance metadata.
  ///
  /// - Parameters:
  ///   - configuration: The target.
  ///   - context: Where credentials come from.
  ///   - signed: Takes the location and ``SigningCredentials/signer`` of every set of credentials, before a call is
  ///     signed with it.
  /// - Throws: `UpstreamConfigurationError` if the target cannot be used as it is configured.
  package convenience init(
    configuration: TargetConfiguration, context: CredentialsContext,
    signed: @escaping @Sendable (UpstreamLocation, _ signer: String) -> Void = { _, _ in }
  ) async throws(UpstreamConfigurationError) {
    let profiles = context.profileStore(for: configuration.credentials)
    let endpoint = try await TargetEndpoint(
      configuration: configuration, environment: context.environment, profiles: profiles,
      isInstance: InstanceMetadata.isInstance(context.files)
    ) { () async throws(CredentialsError) in
      let region = try await context.instanceRegion(for: configuration.credentials)
      if let region {
        context.logger.notice("target \(configuration.name): the region is the instance's, \(region)")
      }
      return region
    }
    let provider = try context.provider(for: configuration, region: endpoint.region)
    try self.init(
      configuration: configuration, endpoint: endpoint,
      credentials: RefreshingCredentials(
        provider: provider, clock: context.clock, files: context.files, logger: context.logger
      ) { credentials in
        if let signer = credentials.signer { signed(endpoint.location, signer) }
      },
      connections: context.connections(of: configuration), clock: context.clock,
      eventLoopGroup: context.eventLoopGroup, logger: context.logger)
  }
}
