import CertRegCore

/// The credentials of a role that is taken with another source's identity.
struct AssumedRoleCredentials: CredentialsProvider {
  let role: RoleRequest
  let base: any CredentialsProvider
  let service: SecurityTokenService

  var summary: String { "the role \(role.roleARN), taken with \(base.summary)" }
  var filePaths: [String] { base.filePaths }

  func fetch() async throws(CredentialsError) -> ProvidedCredentials? {
    guard let provided = try await base.fetch() else {
      throw CredentialsError(
        .notFound, "No AWS credentials to take the role \(role.roleARN) with; looked at \(base.summary)")
    }
    return try await service.assumeRole(role, as: provided.signing)
  }
}
