package import CertRegCore
package import Logging
package import NIOCore

/// What the sources of credentials need from the process.
package struct CredentialsContext: Sendable {
  package var environment: ProcessEnvironment
  package var files: HostFiles
  package var clock: HostClock
  package var eventLoopGroup: any EventLoopGroup
  package var logger: Logger

  package init(
    environment: ProcessEnvironment, files: HostFiles = .system, clock: HostClock = .system,
    eventLoopGroup: any EventLoopGroup, logger: Logger
  ) {
    self.environment = environment
    self.files = files
    self.clock = clock
    self.eventLoopGroup = eventLoopGroup
    self.logger = logger
  }

  /// The shared files, with a target's own credentials file in place of the usual one.
  package func profileStore(for credentials: CredentialsConfiguration) -> SharedProfileStore {
    var file: String?
    if case .profile(_, let own) = credentials { file = own }
    return SharedProfileStore(environment: environment, files: files, credentialsFile: file)
  }

  /// The provider that a target's configuration names.
  func provider(
    for credentials: CredentialsConfiguration, profiles: SharedProfileStore, region: String?
  ) throws(UpstreamConfigurationError) -> any CredentialsProvider {
    switch credentials {
    case .chain:
      CredentialsChain(providers: [
        EnvironmentCredentials(environment: environment), ProfileCredentials(store: profiles, name: nil),
      ])
    case .environment: EnvironmentCredentials(environment: environment)
    case .profile(let name, _): ProfileCredentials(store: profiles, name: name)
    default: throw UpstreamConfigurationError("this source of credentials is not supported")
    }
  }
}

extension AWSUpstreamClient {
  /// A target's client with everything that its configuration names.
  ///
  /// - Throws: Where the target cannot be used as it is configured. Credentials are fetched later, with the first call.
  package convenience init(
    configuration: TargetConfiguration, context: CredentialsContext
  ) throws(UpstreamConfigurationError) {
    let profiles = context.profileStore(for: configuration.credentials)
    let endpoint = try TargetEndpoint(
      configuration: configuration, environment: context.environment, profiles: profiles)
    let provider = try context.provider(for: configuration.credentials, profiles: profiles, region: endpoint.region)
    try self.init(
      configuration: configuration, endpoint: endpoint,
      credentials: RefreshingCredentials(provider: provider, clock: context.clock, logger: context.logger),
      environment: context.environment, clock: context.clock, eventLoopGroup: context.eventLoopGroup,
      logger: context.logger)
  }
}
