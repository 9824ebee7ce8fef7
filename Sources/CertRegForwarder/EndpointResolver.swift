import CertRegCore

/// The services of AWS that certregd calls.
enum AWSService: String, Sendable, CaseIterable {
  case iot
  case sts
  case rolesAnywhere = "rolesanywhere"
  case serviceQuotas = "service_quotas"

  /// The variable of the AWS SDKs that names the service's endpoint.
  var endpointVariable: String { "AWS_ENDPOINT_URL_\(rawValue.uppercased())" }
}

/// The choice among a region's endpoints.
struct EndpointFlags: Hashable, Sendable {
  /// The endpoint whose cryptography is validated (FIPS 140).
  var fips: Bool
  /// The endpoint for IPv4 and IPv6.
  var dualStack: Bool
}

/// Finds a target's endpoints as the AWS SDKs do: by their variables, the profile of the shared files, and the region
/// (AWS SDKs and Tools Reference Guide, "Service-specific endpoints", "FIPS endpoints", "Dual-stack endpoints").
struct EndpointResolver: Sendable {
  private let environment: ProcessEnvironment
  private let profiles: SharedProfileStore
  private let profileName: String
  private let own: TargetConfiguration

  init(_ configuration: TargetConfiguration, environment: ProcessEnvironment, profiles: SharedProfileStore) {
    self.environment = environment
    self.profiles = profiles
    profileName = profiles.profileName(for: configuration.credentials)
    own = configuration
  }

  /// The flags: the target's own, else the environment's, else the profile's.
  ///
  /// - Throws: `invalid` if a shared file cannot be read.
  func flags() throws(CredentialsError) -> EndpointFlags {
    let profile = try profiles.profiles().profiles[profileName]
    func flag(_ own: Bool?, _ setting: InheritedSetting, _ variable: String, _ key: String) -> Bool {
      if let own { return own }
      if self.own.withoutValue.contains(setting) { return false }
      // A variable that says anything else than "true" still wins over the profile.
      return environment[variable] == nil ? profile?.flag(key) == true : environment.flag(variable)
    }
    return EndpointFlags(
      fips: flag(own.fips, .fips, "AWS_USE_FIPS_ENDPOINT", "use_fips_endpoint"),
      dualStack: flag(own.dualStack, .dualStack, "AWS_USE_DUALSTACK_ENDPOINT", "use_dualstack_endpoint"))
  }

  /// The endpoint that the variables or the profile name for a service.
  ///
  /// - Throws: `invalid` if a shared file cannot be read, or lacks the `services` that the profile names.
  func configuredURL(_ service: AWSService) throws(CredentialsError) -> String? {
    let shared = try profiles.profiles()
    let profile = shared.profiles[profileName]
    let variable = "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS"
    let profileIgnores = profile?.flag("ignore_configured_endpoint_urls") == true
    if environment[variable] == nil ? profileIgnores : environment.flag(variable) { return nil }
    if let url = environment[service.endpointVariable] ?? environment["AWS_ENDPOINT_URL"] { return url }
    return try profile.flatMap { profile throws(CredentialsError) in
      try shared.endpoint(profile: profile, service: service.rawValue)
    }
  }

  /// The endpoint of AWS IoT.
  ///
  /// - Parameter region: `nil`: only an endpoint that is configured can be found.
  /// - Throws: `EndpointError`.
  func iot(region: String?) throws(EndpointError) -> ServiceURL {
    let customURL: String?
    var flags: EndpointFlags
    do throws(CredentialsError) { (customURL, flags) = (try self.customURL(), try self.flags()) } catch {
      throw .sharedFiles(error.message)
    }
    // Flags of the environment and the profile choose among AWS's endpoints: a target with an endpoint of its own must
    // not fail because the host is set up for FIPS.
    if customURL != nil {
      let isOwn = { (setting: InheritedSetting) in !own.fromSDKVariables.contains(setting) }
      flags = EndpointFlags(
        fips: own.fips == true && isOwn(.fips), dualStack: own.dualStack == true && isOwn(.dualStack))
    }
    return try ServiceEndpoint.iot(
      region: region, fips: flags.fips, dualStack: flags.dualStack, customURL: customURL)
  }

  /// The endpoint that the target has of its own; `nil`: it is one of AWS's.
  private func customURL() throws(CredentialsError) -> String? {
    if own.withoutValue.contains(.endpoint) { return nil }
    // The settings may have taken the endpoint from a variable, which the profile may say to ignore.
    if let endpoint = own.endpoint, !own.fromSDKVariables.contains(.endpoint) { return endpoint }
    return try configuredURL(.iot)
  }

  /// The endpoint of the Security Token Service, and the region that its signatures name.
  ///
  /// - Throws: `invalid` if there is no usable endpoint.
  func sts(region: String) throws(CredentialsError) -> (url: ServiceURL, region: String) {
    let flags = try flags()
    if let url = try custom(.sts, "the Security Token Service") { return (url, region) }
    do throws(EndpointError) {
      return (
        try ServiceEndpoint.sts(region: region, flags),
        ServiceEndpoint.isGlobalSTS(region, flags) ? ServiceEndpoint.globalSTSRegion : region
      )
    } catch {
      throw CredentialsError(.invalid, "The endpoint of the Security Token Service: \(error)")
    }
  }

  /// The endpoint of IAM Roles Anywhere.
  ///
  /// - Throws: `invalid` if there is no usable endpoint.
  func rolesAnywhere(region: String) throws(CredentialsError) -> ServiceURL {
    let flags = try flags()
    if let url = try custom(.rolesAnywhere, "IAM Roles Anywhere") { return url }
    do throws(EndpointError) { return try ServiceEndpoint.rolesAnywhere(region: region, flags) } catch {
      throw CredentialsError(.invalid, "The endpoint of IAM Roles Anywhere: \(error)")
    }
  }

  /// The endpoint of Service Quotas. An endpoint of AWS IoT that is not AWS's, such as a sandbox, is that of Service
  /// Quotas, too, unless another one is configured for it.
  ///
  /// - Parameter iot: The target's endpoint of AWS IoT.
  /// - Throws: `invalid` if there is no usable endpoint.
  func serviceQuotas(region: String, iot: ServiceURL) throws(CredentialsError) -> ServiceURL {
    let isAWS = AWSPartition.owns(host: iot.host)
    // The target's own endpoint goes before the surroundings' settings.
    if !isAWS, own.endpoint != nil, !own.fromSDKVariables.contains(.endpoint) { return iot }
    if let url = try custom(.serviceQuotas, "Service Quotas") { return url }
    if !isAWS { return iot }
    let flags = try flags()
    do throws(EndpointError) { return try ServiceEndpoint.serviceQuotas(region: region, flags) } catch {
      throw CredentialsError(.invalid, "The endpoint of Service Quotas: \(error)")
    }
  }

  private func custom(_ service: AWSService, _ name: String) throws(CredentialsError) -> ServiceURL? {
    guard let text = try configuredURL(service) else { return nil }
    do throws(ServiceURLError) {
      let url = try ServiceURL(parsing: text)
      // Not every service's requests are signed with the query of the URL.
      guard url.query.isEmpty else { throw ServiceURLError(description: "it must not have a query") }
      return url
    } catch {
      throw CredentialsError(.invalid, "The endpoint of \(name): \(error)")
    }
  }
}
