import AsyncHTTPClient
import CertRegCore

/// The proxy and the authorities of connections: a target's own settings, else the environment's. Authorities may be
/// those of the profile, too.
struct ConnectionSettings: Sendable {
  /// The proxy's URL in the target's configuration.
  private(set) var proxyURL: String?
  private var usesProxyVariables = true
  /// PEM file of the authorities; `nil`: the system's.
  private(set) var authoritiesFile: String?
  private let environment: ProcessEnvironment

  /// The environment's settings alone.
  init(environment: ProcessEnvironment) {
    self.environment = environment
    authoritiesFile = environment["AWS_CA_BUNDLE"]
  }

  /// The settings of a target.
  init(_ configuration: TargetConfiguration, environment: ProcessEnvironment, profiles: SharedProfileStore) {
    self.init(environment: environment)
    proxyURL = configuration.proxy
    usesProxyVariables = !configuration.withoutValue.contains(.proxy)
    if configuration.caFile != nil || configuration.withoutValue.contains(.caFile) {
      authoritiesFile = configuration.caFile
    } else if authoritiesFile == nil {
      authoritiesFile = profiles.authoritiesFile(for: configuration.credentials)
    }
  }

  /// The secrets that an error of such a connection may repeat.
  var secrets: SecretMask {
    var secrets = environment.secrets
    if let proxyURL { secrets.addUserInformation(of: proxyURL) }
    return secrets
  }

  /// The proxy to `url`; `nil` if the connection is direct.
  ///
  /// - Throws: `ProxyError` if the setting or variable cannot be used.
  func proxy(for url: ServiceURL) throws(ProxyError) -> HTTPClient.Configuration.Proxy? {
    if proxyURL == nil, !usesProxyVariables { return nil }
    return try ProxySettings.proxy(for: url, configured: proxyURL, environment: environment)
  }
}
