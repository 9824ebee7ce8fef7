import CertRegCore

/// A role's credentials for a token of an identity provider: Kubernetes' projected service account tokens and the like.
struct WebIdentityCredentials: CredentialsProvider {
  let role: RoleRequest
  /// Read for each fetch, since the token is replaced every hour.
  let tokenFile: String
  let files: HostFiles
  let service: SecurityTokenService

  var summary: String { "the web identity token \(tokenFile)" }
  var filePaths: [String] { [tokenFile] }

  func fetch() async throws(CredentialsError) -> ProvidedCredentials? {
    let token: String
    do throws(FileReadError) { token = try files.text(tokenFile) } catch {
      throw CredentialsError(.invalid, "\(error)")
    }
    guard !token.isEmpty else { throw CredentialsError(.invalid, "\(tokenFile) is empty") }
    return try await service.assumeRole(role, webIdentityToken: token)
  }
}

/// The web identity of the chain: each setting is the environment's, else the profile's (botocore,
/// `AssumeRoleWithWebIdentityProvider`).
struct WebIdentityOfChain: CredentialsProvider {
  let environment: ProcessEnvironment
  let store: SharedProfileStore
  let files: HostFiles
  let service: SecurityTokenService

  var summary: String { "AWS_WEB_IDENTITY_TOKEN_FILE and AWS_ROLE_ARN" }
  var filePaths: [String] {
    let profile = try? store.profiles().profiles[store.defaultProfileName]
    return tokenFile(profile).map { [$0] } ?? []
  }

  func fetch() async throws(CredentialsError) -> ProvidedCredentials? {
    let profile = try store.profiles().profiles[store.defaultProfileName]
    guard let tokenFile = tokenFile(profile) else { return nil }
    guard let roleARN = environment["AWS_ROLE_ARN"] ?? profile?["role_arn"] else {
      let place =
        environment["AWS_WEB_IDENTITY_TOKEN_FILE"] == nil
        ? "The profile \(store.defaultProfileName) has web_identity_token_file but no role_arn, and AWS_ROLE_ARN is not set"
        : "AWS_WEB_IDENTITY_TOKEN_FILE is set but AWS_ROLE_ARN is not"
      throw CredentialsError(.invalid, "\(place): set both or neither")
    }
    var service = service
    service.region = service.region ?? profile?["region"]
    let role = RoleRequest(
      roleARN: roleARN, sessionName: environment["AWS_ROLE_SESSION_NAME"] ?? profile?["role_session_name"])
    return try await WebIdentityCredentials(role: role, tokenFile: tokenFile, files: files, service: service).fetch()
  }

  private func tokenFile(_ profile: SharedProfiles.Profile?) -> String? {
    environment["AWS_WEB_IDENTITY_TOKEN_FILE"] ?? profile?["web_identity_token_file"]
  }
}
