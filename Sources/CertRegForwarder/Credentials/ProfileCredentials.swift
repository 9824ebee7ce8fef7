import CertRegCore
import CertRegSigV4

/// Credentials of a profile of the shared files: of a role, of a web identity, keys, or those that a program prints.
struct ProfileCredentials: CredentialsProvider {
  /// So many profiles may lead from one to the next by `source_profile`.
  private static let maximumHops = 8

  /// The settings of the profile that are used. In the SDKs' chain a role of the profile comes before a web identity,
  /// whose settings the environment may have, and the rest of the profile after it.
  enum Part: Sendable {
    case all
    case roles
    case keysAndProcess
  }

  let store: SharedProfileStore
  /// `nil`: the profile that the environment names, else `default`.
  let name: String?
  var part = Part.all
  let environment: ProcessEnvironment
  let files: HostFiles
  let endpoints: CredentialEndpoints
  let service: SecurityTokenService

  var summary: String { "the profile \(name ?? store.defaultProfileName) in \(store.summary)" }

  /// A change of another profile counts, too: it costs one fetch.
  var filePaths: [String] { [store.configPath, store.credentialsPath].compactMap { $0 } + tokenFiles }

  /// The token files of the profile, and of those that it takes its role by way of.
  private var tokenFiles: [String] {
    guard let profiles = try? store.profiles() else { return [] }
    var files: [String] = []
    var visited: [String] = []
    var next: String? = name ?? store.defaultProfileName
    while let name = next, !visited.contains(name), visited.count <= ProfileCredentials.maximumHops,
      let profile = profiles.profiles[name]
    {
      visited.append(name)
      if let file = profile["web_identity_token_file"] { files.append(file) }
      if profile["credential_source"]?.lowercased() == "ecscontainer" { files += container.filePaths }
      next = profile["source_profile"]
    }
    return files
  }

  private var container: ContainerCredentials {
    ContainerCredentials(uri: nil, environment: environment, files: files, endpoints: endpoints)
  }

  func fetch() async throws(CredentialsError) -> ProvidedCredentials? {
    let profiles = try store.profiles()
    let wanted = name ?? store.defaultProfileName
    guard let profile = profiles.profiles[wanted] else {
      guard name != nil || store.isProfileNamed else { return nil }
      throw CredentialsError(.invalid, "The profile \(wanted) is not in \(store.summary)")
    }
    let isOfChain = part == .roles && profile["web_identity_token_file"] != nil
    if part != .keysAndProcess, !isOfChain, let provided = try await role(of: profile, in: profiles, visited: []) {
      return provided
    }
    return part == .roles ? nil : try await keysOrProcess(of: profile)
  }

  /// The credentials of the role that a profile names; `nil` if it names none.
  ///
  /// - Parameter visited: Names of the profiles whose roles need this profile's identity.
  private func role(
    of profile: SharedProfiles.Profile, in profiles: SharedProfiles, visited: [String]
  ) async throws(CredentialsError) -> ProvidedCredentials? {
    guard let roleARN = profile["role_arn"] else { return nil }
    guard profile["mfa_serial"] == nil else {
      throw invalid(profile, "has mfa_serial: a daemon cannot type a code")
    }
    let role = RoleRequest(
      roleARN: roleARN, sessionName: profile["role_session_name"], externalID: profile["external_id"],
      durationSeconds: profile["duration_seconds"].flatMap(Int.init) ?? 3600)
    var service = service
    service.region = service.region ?? profile["region"]
    if let tokenFile = profile["web_identity_token_file"] {
      return try await WebIdentityCredentials(role: role, tokenFile: tokenFile, files: files, service: service).fetch()
    }
    let base: ProvidedCredentials
    switch (profile["source_profile"], profile["credential_source"]) {
    case (let source?, nil):
      base = try await sourceProfile(source, of: profile, in: profiles, visited: visited)
    case (nil, let source?): base = try await credentialSource(source, of: profile)
    case (nil, nil): throw invalid(profile, "has role_arn but neither source_profile nor credential_source")
    case (_?, _?): throw invalid(profile, "has both source_profile and credential_source: remove one")
    }
    return try await service.assumeRole(role, as: base.signing)
  }

  private func sourceProfile(
    _ source: String, of profile: SharedProfiles.Profile, in profiles: SharedProfiles, visited: [String]
  ) async throws(CredentialsError) -> ProvidedCredentials {
    guard let next = profiles.profiles[source] else {
      throw invalid(profile, "has the source_profile \(source), which does not exist")
    }
    // A profile may take its role with its own keys. Any other cycle would never end.
    if source != profile.name {
      guard !visited.contains(source) else { throw invalid(profile, "takes its role by way of itself") }
      guard visited.count < ProfileCredentials.maximumHops else {
        throw invalid(profile, "takes its role by way of more than \(ProfileCredentials.maximumHops) profiles")
      }
      // Keys of the source come before a role that it names as well (botocore, `AssumeRoleProvider`).
      if !next.hasKeys, let provided = try await role(of: next, in: profiles, visited: visited + [profile.name]) {
        return provided
      }
    }
    guard let provided = try await keysOrProcess(of: next) else {
      throw invalid(profile, "has the source_profile \(source), which has no credentials")
    }
    return provided
  }

  private static let settingsOfSSO = ["sso_session", "sso_start_url", "sso_account_id", "sso_role_name"]

  private func credentialSource(
    _ source: String, of profile: SharedProfiles.Profile
  ) async throws(CredentialsError) -> ProvidedCredentials {
    let provider: any CredentialsProvider
    switch source.lowercased() {
    case "environment": provider = EnvironmentCredentials(environment: environment, clock: service.clock)
    case "ecscontainer": provider = container
    case "ec2instancemetadata":
      provider = InstanceMetadataCredentials(
        metadata: InstanceMetadata(endpoint: nil, environment: environment, endpoints: endpoints), isRequired: true)
    default:
      throw invalid(
        profile, "has a credential_source that is none of Environment, EcsContainer and Ec2InstanceMetadata")
    }
    guard let provided = try await provider.fetch() else {
      throw invalid(profile, "has the credential_source \(source), which has no credentials")
    }
    return provided
  }

  private func keysOrProcess(of profile: SharedProfiles.Profile) async throws(CredentialsError) -> ProvidedCredentials?
  {
    if profile.hasKeysInCredentialsFile || profile["credential_process"] == nil,
      let provided = try ProfileKeys.credentials(profile)
    {
      return provided
    }
    if let command = profile["credential_process"] {
      return try await CredentialProcess(
        command: command, environment: environment, origin: "the profile \(profile.name)", clock: service.clock
      ).fetch()
    }
    if Self.settingsOfSSO.contains(where: { profile[$0] != nil }) {
      throw invalid(profile, "uses SSO, which needs a person at a browser: give the daemon an identity of its own")
    }
    if profile["login_session"] != nil {
      throw invalid(
        profile, "has a login_session, which needs a person at a browser: give the daemon an identity of its own")
    }
    return nil
  }

  private func invalid(_ profile: SharedProfiles.Profile, _ what: String) -> CredentialsError {
    CredentialsError(.invalid, "The profile \(profile.name) \(what)")
  }
}
