import CertRegCore

/// Asks one source after the other. The first that has credentials wins; one that is configured and fails ends the search,
/// since going on would sign as somebody else.
struct CredentialsChain: CredentialsProvider {
  let providers: [any CredentialsProvider]

  var summary: String {
    providers.map(\.summary).joined(separator: "; ")
  }

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
