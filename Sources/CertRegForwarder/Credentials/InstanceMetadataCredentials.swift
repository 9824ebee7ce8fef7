import CertRegCodec
import CertRegCore

/// Credentials of an EC2 instance's role.
struct InstanceMetadataCredentials: CredentialsProvider {
  private static let rolePath = "/latest/meta-data/iam/security-credentials/"

  let metadata: InstanceMetadata
  /// Whether the configuration names this source. Its silence is an error then; otherwise the next source is asked.
  let isRequired: Bool
  /// Tells whether the host is an EC2 instance, where the service has to answer.
  var isInstance: @Sendable () -> Bool = { false }

  var summary: String { "instance metadata (IMDSv2)" }

  func fetch() async throws(CredentialsError) -> ProvidedCredentials? {
    if !isRequired, metadata.isDisabled { return nil }
    guard let token = try await token() else { return nil }
    let secrets = metadata.environment.secrets.adding(token)
    let roles = try await metadata.get(Self.rolePath, token: token)
    if roles.status == 404 {
      guard isRequired else { return nil }
      throw CredentialsError(.invalid, "The instance has no role: attach an instance profile")
    }
    guard roles.status == 200, let role = roleName(roles) else {
      throw CredentialsError(
        refusal: roles, source: InstanceMetadata.name, advice: "check the instance profile", secrets: secrets)
    }
    let reply = try await metadata.get(Self.rolePath + role, token: token)
    guard reply.status == 200 else {
      throw CredentialsError(
        refusal: reply, source: InstanceMetadata.name, advice: "check the instance profile", secrets: secrets)
    }
    let object = try? JSONValue(parsing: reply.body)
    // If the service has no credentials, it replies with status 200 and a code.
    if let code = object?["Code"]?.string, code != "Success" {
      let words = UpstreamText(secrets: secrets).clean(object?["Message"]?.string ?? code, limit: 256)
      throw CredentialsError(.unavailable, "Instance metadata has no credentials at the moment: \(words)")
    }
    return try CredentialFields.metadata.read(object, source: "\(InstanceMetadata.name), role \(role)")
  }

  /// A session's token; `nil` if a chain goes on without one.
  private func token() async throws(CredentialsError) -> String? {
    let session: InstanceMetadata.Session
    do throws(CredentialsError) { session = try await metadata.session() } catch {
      // Most hosts are not EC2 instances.
      if !isRequired, error.code == .unavailable, !isInstance() { return nil }
      throw error
    }
    // Other clouds have other services at this address.
    if !isRequired, case .refused = session { return nil }
    return try session.token()
  }

  /// The name on the first line, if IAM permits it (`[A-Za-z0-9_+=,.@-]`): it becomes part of a path.
  private func roleName(_ reply: HTTPReply) -> String? {
    let name = InstanceMetadata.firstLine(reply)
    let rest = name.filter { !"@,".contains($0) }
    return UpstreamText.identifier(rest) == nil || rest.contains("/") ? nil : name
  }
}
