import CertRegCore

/// Asks one source after the other. The first source with credentials wins. A configured source that fails ends the
/// search, because the next one might have another identity.
struct CredentialsChain: CredentialsProvider {
  let providers: [any CredentialsProvider]

  var summary: String {
    providers.map(\.summary).joined(separator: "; ")
  }

  var filePaths: [String] { providers.flatMap(\.filePaths) }

  func fetch() async throws(CredentialsError) -> ProvidedCredentials? {
    for provider in providers {
      if let provided = try await provider.fetch() { return provided }
    }
    return nil
  }

  func shutdown() async {
    for provider in providers { await provider.shutdown() }
  }
}
