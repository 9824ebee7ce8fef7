import CertRegCore

/// A provider together with its connections.
struct ConnectedProvider: CredentialsProvider {
  let provider: any CredentialsProvider
  let endpoints: CredentialEndpoints
  /// May name endpoints.
  let profiles: SharedProfileStore

  var summary: String { provider.summary }
  var filePaths: [String] {
    var paths = provider.filePaths
    for case let path? in [profiles.configPath, profiles.credentialsPath, endpoints.authoritiesFile]
    where !paths.contains(path) {
      paths.append(path)
    }
    return paths
  }

  func fetch() async throws(CredentialsError) -> ProvidedCredentials? {
    try await provider.fetch()
  }

  func shutdown() async {
    await provider.shutdown()
    await endpoints.shutdown()
  }
}
