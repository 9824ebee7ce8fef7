import CertRegCore
import NIOHTTP1

/// Credentials of an EC2 instance's role, from the instance metadata service in version 2.
///
/// Version 1, which answers whoever can make the host send a plain GET, is refused.
struct InstanceMetadataCredentials: CredentialsProvider {
  private static let source = "instance metadata"
  private static let rolePath = "/latest/meta-data/iam/security-credentials/"

  /// In place of what the environment says.
  let endpoint: String?
  /// Whether the configuration names this source, so that its silence is an error and not a reason to look elsewhere.
  let isRequired: Bool
  let environment: ProcessEnvironment
  let endpoints: CredentialEndpoints

  var summary: String { "instance metadata (IMDSv2)" }

  func fetch() async throws(CredentialsError) -> ProvidedCredentials? {
    if !isRequired, environment.flag("AWS_EC2_METADATA_DISABLED") { return nil }
    let url = try url()
    guard let token = try await sessionToken(url) else { return nil }
    let roles = try await get(url, Self.rolePath, token)
    if roles.status == 404 {
      guard isRequired else { return nil }
      throw CredentialsError(.invalid, "The instance has no role: attach an instance profile")
    }
    guard roles.status == 200, let role = roleName(roles) else {
      throw CredentialsError(refusal: roles, source: Self.source, advice: "check the instance profile")
    }
    let reply = try await get(url, Self.rolePath + role, token)
    guard reply.status == 200 else {
      throw CredentialsError(refusal: reply, source: Self.source, advice: "check the instance profile")
    }
    let object = try? JSONValue(parsing: reply.body)
    // The service reports that it has none with status 200 and a code.
    if let code = object?["Code"]?.text, code != "Success" {
      let words = UpstreamText(credentials: nil, authorization: nil).clean(object?["Message"]?.text ?? code, limit: 256)
      throw CredentialsError(.unavailable, "Instance metadata has no credentials at the moment: \(words)")
    }
    return try CredentialFields.metadata.read(object, source: "\(Self.source), role \(role)")
  }

  private func url() throws(CredentialsError) -> ServiceURL {
    if let text = endpoint ?? environment["AWS_EC2_METADATA_SERVICE_ENDPOINT"] {
      do throws(ServiceURLError) { return try ServiceURL(parsing: text) } catch {
        throw CredentialsError(.invalid, "The endpoint of instance metadata is not a usable URL: \(error)")
      }
    }
    let isIPv6 = environment["AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE"]?.lowercased() == "ipv6"
    return ServiceURL(scheme: .http, host: isIPv6 ? "fd00:ec2::254" : "169.254.169.254")
  }

  /// The token that version 2 wants with each request. It lives for six hours at most; a new one for each refresh is one
  /// request an hour.
  private func sessionToken(_ url: ServiceURL) async throws(CredentialsError) -> String? {
    let reply: HTTPReply
    do throws(CredentialsError) {
      reply = try await endpoints.send(
        .PUT, url, path: "/latest/api/token", headers: [("X-aws-ec2-metadata-token-ttl-seconds", "300")],
        timeout: timeout, service: Self.source)
    } catch {
      // In a chain, a host that is no EC2 instance is the usual case.
      if !isRequired, error.code == .unavailable { return nil }
      throw error
    }
    let token = String(decoding: reply.body, as: UTF8.self)
    guard reply.status == 200, UpstreamText.identifier(token) != nil else {
      // Other clouds have something else at this address.
      if !isRequired { return nil }
      throw CredentialsError(
        .invalid,
        "Instance metadata gives no session token (HTTP \(reply.status)): version 2 must be on, version 1 is not used")
    }
    return token
  }

  private func get(_ url: ServiceURL, _ path: String, _ token: String) async throws(CredentialsError) -> HTTPReply {
    try await endpoints.send(
      .GET, url, path: path, headers: [("X-aws-ec2-metadata-token", token)], timeout: timeout, service: Self.source)
  }

  /// The name on the first line, where it is one that IAM gives (`[A-Za-z0-9_+=,.@-]`): it becomes part of a path.
  private func roleName(_ reply: HTTPReply) -> String? {
    let line = reply.body.prefix { $0 != UInt8(ascii: "\n") && $0 != UInt8(ascii: "\r") }
    let name = String(decoding: line, as: UTF8.self)
    let rest = name.filter { !"@,".contains($0) }
    return UpstreamText.identifier(rest) == nil || rest.contains("/") ? nil : name
  }

  private var timeout: Duration {
    guard let text = environment["AWS_METADATA_SERVICE_TIMEOUT"], let seconds = Double(text), seconds > 0, seconds <= 60
    else { return .seconds(1) }
    return .seconds(seconds)
  }
}
