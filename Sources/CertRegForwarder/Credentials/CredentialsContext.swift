package import CertRegCore
package import Logging
package import NIOCore
import Synchronization

/// What the sources of credentials need from the process.
package struct CredentialsContext: Sendable {
  /// The variables of the AWS SDKs and of proxies.
  package var environment: ProcessEnvironment
  /// Reads profiles, tokens and keys.
  package var files: HostFiles
  /// The name of this host (gethostname(2)), for the names of sessions.
  package var hostName: String
  /// Tells when credentials end, and dates signatures.
  package var clock: HostClock
  /// Runs the connections to sources and upstreams.
  package var eventLoopGroup: any EventLoopGroup
  /// Records sources, refreshes and failures; never a secret.
  package var logger: Logger
  private let profileStores = ProfileStores()

  package init(
    environment: ProcessEnvironment, files: HostFiles = .system, hostName: String, clock: HostClock,
    eventLoopGroup: any EventLoopGroup, logger: Logger
  ) {
    self.environment = environment
    self.files = files
    self.hostName = hostName
    self.clock = clock
    self.eventLoopGroup = eventLoopGroup
    self.logger = logger
  }

  /// The shared files, with a target's own credentials file in place of the usual one.
  package func profileStore(for credentials: CredentialsConfiguration) -> SharedProfileStore {
    var file: String?
    if case .profile(_, let own) = credentials { file = own }
    return profileStores.store(credentialsFile: file) {
      SharedProfileStore(environment: environment, files: files, credentialsFile: file)
    }
  }

  /// How a target's connections are made.
  func connections(of configuration: TargetConfiguration) -> ConnectionSettings {
    ConnectionSettings(
      configuration, environment: environment, profiles: profileStore(for: configuration.credentials))
  }

  /// The version of the file of authorities that a target's connections trust; `nil`: they trust the system's
  /// authorities, or there is no such file.
  package func authorities(of configuration: TargetConfiguration) -> FileVersion? {
    connections(of: configuration).authoritiesFile.flatMap(files.version)
  }

  /// The region of this host, which may be an EC2 instance; `nil` if the environment forbids to ask.
  ///
  /// - Parameter credentials: The target's setting. A metadata service that it names is asked.
  /// - Throws: `CredentialsError` if there is no region.
  func instanceRegion(for credentials: CredentialsConfiguration) async throws(CredentialsError) -> String? {
    var endpoint: String?
    if case .instanceMetadata(let own) = credentials { endpoint = own }
    let endpoints = CredentialEndpoints(environment: environment, eventLoopGroup: eventLoopGroup)
    let metadata = InstanceMetadata(endpoint: endpoint, environment: environment, endpoints: endpoints)
    guard !metadata.isDisabled else { return nil }
    let region: Result<String, CredentialsError>
    do throws(CredentialsError) { region = .success(try await metadata.region()) } catch { region = .failure(error) }
    await endpoints.shutdown()
    return try region.get()
  }

  /// The provider that a target's configuration names.
  ///
  /// - Parameter region: The target's region, for taking roles.
  /// - Throws: `UpstreamConfigurationError` if a setting of the provider cannot be used.
  package func provider(
    for configuration: TargetConfiguration, region: String?
  ) throws(UpstreamConfigurationError) -> any CredentialsProvider {
    let profiles = profileStore(for: configuration.credentials)
    let endpoints = CredentialEndpoints(
      connections(of: configuration), environment: environment, eventLoopGroup: eventLoopGroup)
    let service = securityTokenService(of: configuration, region: region, endpoints)
    let provider = try provider(for: configuration, profiles: profiles, endpoints: endpoints, service: service)
    return ConnectedProvider(provider: provider, endpoints: endpoints, profiles: profiles)
  }

  /// The Security Token Service as a target reaches it.
  func securityTokenService(
    of configuration: TargetConfiguration, region: String?, _ endpoints: CredentialEndpoints
  ) -> SecurityTokenService {
    let resolver = EndpointResolver(
      configuration, environment: environment, profiles: profileStore(for: configuration.credentials))
    return SecurityTokenService(
      region: region, hostName: hostName, environment: environment, clock: clock, endpoints: endpoints,
      resolver: resolver)
  }

  private func provider(
    for configuration: TargetConfiguration, profiles: SharedProfileStore, endpoints: CredentialEndpoints,
    service: SecurityTokenService
  ) throws(UpstreamConfigurationError) -> any CredentialsProvider {
    func profile(_ name: String?, _ part: ProfileCredentials.Part = .all) -> ProfileCredentials {
      ProfileCredentials(
        store: profiles, name: name, part: part, environment: environment, files: files, endpoints: endpoints,
        service: service)
    }
    func metadata(_ endpoint: String?) -> InstanceMetadata {
      InstanceMetadata(endpoint: endpoint, environment: environment, endpoints: endpoints)
    }
    /// The order of the AWS SDKs.
    func chain() -> CredentialsChain {
      CredentialsChain(providers: [
        EnvironmentCredentials(environment: environment, clock: clock),
        profile(nil, .roles),
        WebIdentityOfChain(environment: environment, store: profiles, files: files, service: service),
        profile(nil, .keysAndProcess),
        ContainerCredentials(uri: nil, environment: environment, files: files, endpoints: endpoints),
        InstanceMetadataCredentials(metadata: metadata(nil), isRequired: false) { InstanceMetadata.isInstance(files) },
      ])
    }
    switch configuration.credentials {
    case .chain: return chain()
    case .environment: return EnvironmentCredentials(environment: environment, clock: clock)
    case .profile(let name, _): return profile(name)
    case .process(let command):
      return CredentialProcess(
        command: command, environment: environment, origin: "the configuration", clock: clock)
    case .container(let uri):
      return ContainerCredentials(uri: uri, environment: environment, files: files, endpoints: endpoints)
    case .instanceMetadata(let endpoint):
      return InstanceMetadataCredentials(metadata: metadata(endpoint), isRequired: true)
    case .webIdentity(let roleARN, let tokenFile, let sessionName):
      return WebIdentityCredentials(
        role: RoleRequest(roleARN: roleARN, sessionName: sessionName), tokenFile: tokenFile, files: files,
        service: service)
    case .assumeRole(let roleARN, let sourceProfile, let sessionName, let externalID):
      return AssumedRoleCredentials(
        role: RoleRequest(roleARN: roleARN, sessionName: sessionName, externalID: externalID),
        base: sourceProfile.map { profile($0) } ?? chain(), service: service)
    case .iotProvider(let endpoint, let roleAlias, let thingName, let certificateFile, let privateKeyFile, let caFile):
      return try IoTProviderCredentials(
        settings: .init(
          endpoint: endpoint, roleAlias: roleAlias, thingName: thingName, certificateFile: certificateFile,
          privateKeyFile: privateKeyFile, caFile: caFile),
        connections: connections(of: configuration), files: files, eventLoopGroup: eventLoopGroup)
    case .rolesAnywhere(
      let trustAnchorARN, let profileARN, let roleARN, let certificateFile, let privateKeyFile, let chainFile):
      return RolesAnywhereCredentials(
        settings: .init(
          trustAnchorARN: trustAnchorARN, profileARN: profileARN, roleARN: roleARN, certificateFile: certificateFile,
          privateKeyFile: privateKeyFile, chainFile: chainFile),
        environment: environment, files: files, clock: clock, endpoints: endpoints, resolver: service.resolver)
    }
  }
}

/// The shared files that targets use. Thousands of targets may have a profile each in the same two files. If each
/// target read them, the time would grow with the square of their number.
private final class ProfileStores: Sendable {
  /// By the credentials file that takes the place of the usual one.
  private let stores = Mutex<[String?: SharedProfileStore]>([:])

  func store(credentialsFile: String?, make: () -> SharedProfileStore) -> SharedProfileStore {
    stores.withLock { stores in
      if let present = stores[credentialsFile] { return present }
      let store = make()
      stores[credentialsFile] = store
      return store
    }
  }
}
