import CertRegCodec
import CertRegCore
import NIOHTTP1

/// Credentials of a container endpoint: ECS, EKS Pod Identity, Greengrass's token exchange service.
struct ContainerCredentials: CredentialsProvider {
  private static let ecsURL = ServiceURL(scheme: .http, host: "169.254.170.2")
  private static let source = "the container credentials endpoint"

  /// Overrides the environment.
  let uri: String?
  let environment: ProcessEnvironment
  let files: HostFiles
  let endpoints: CredentialEndpoints

  var summary: String {
    uri.map { uri in "the container endpoint \((try? ServiceURL(parsing: uri))?.authority ?? "of the configuration")" }
      ?? "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI and AWS_CONTAINER_CREDENTIALS_FULL_URI"
  }

  var filePaths: [String] { environment["AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE"].map { [$0] } ?? [] }

  func fetch() async throws(CredentialsError) -> ProvidedCredentials? {
    guard let url = try url() else { return nil }
    var headers = [(name: "Accept", value: "application/json")]
    let token = try token()
    if let token { headers.append(("Authorization", token)) }
    let reply = try await endpoints.send(
      .GET, url, headers: headers, timeout: CredentialEndpoints.localTimeout, service: Self.source, place: .host)
    guard reply.status == 200 else {
      throw CredentialsError(
        refusal: reply, source: Self.source, advice: "check the task's or pod's role and the authorization token",
        secrets: secrets(url, token))
    }
    let object = try? JSONValue(parsing: reply.body)
    return try CredentialFields.metadata.read(object, source: Self.source)
  }

  /// Secrets that a reply may repeat. The path of a task is one: it is enough to fetch the task's credentials.
  private func secrets(_ url: ServiceURL, _ token: String?) -> SecretMask {
    var secrets = environment.secrets.adding(token).adding(lookalikesIn: url.text())
    for segment in url.path.split(separator: "/") where segment.utf8.count >= 16 {
      // As a whole, since some paths consist of words.
      secrets.add(String(segment), window: .max)
    }
    return secrets
  }

  private func url() throws(CredentialsError) -> ServiceURL? {
    if uri == nil, let path = environment["AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"] {
      guard path.hasPrefix("/") else {
        throw CredentialsError(.invalid, "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI does not begin with /")
      }
      return try parse("http://\(Self.ecsURL.authority)\(path)", name: "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI")
    }
    if let uri { return try parse(uri, name: "`container.uri`") }
    guard let full = environment["AWS_CONTAINER_CREDENTIALS_FULL_URI"] else { return nil }
    return try parse(full, name: "AWS_CONTAINER_CREDENTIALS_FULL_URI")
  }

  private func parse(_ text: String, name: String) throws(CredentialsError) -> ServiceURL {
    let url: ServiceURL
    do throws(ServiceURLError) { url = try ServiceURL(parsing: text) } catch {
      throw CredentialsError(.invalid, "\(name) is not a usable URL: \(error)")
    }
    guard url.scheme == .https || Self.isTrustedWithoutTLS(url.host) else {
      throw CredentialsError(
        .invalid,
        "\(name) leads over plain HTTP to another host than this one: the authorization token would go there in the clear"
      )
    }
    return url
  }

  /// The hosts to which the SDKs connect over plain HTTP: this host, and the addresses of ECS and EKS.
  static func isTrustedWithoutTLS(_ host: String) -> Bool {
    switch host {
    case "localhost", "169.254.170.2", "169.254.170.23": true
    default:
      IPv6Address(host).map { [IPv6Address("::1"), IPv6Address("fd00:ec2::23")].contains($0) }
        ?? (host.hasPrefix("127.") && ProxySettings.isLocal(host))
    }
  }

  private func token() throws(CredentialsError) -> String? {
    let token: String
    if let path = environment["AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE"] {
      do throws(FileReadError) { token = try files.text(path) } catch { throw CredentialsError(.invalid, "\(error)") }
    } else if let value = environment["AWS_CONTAINER_AUTHORIZATION_TOKEN"] {
      token = value
    } else {
      return nil
    }
    guard token.utf8.allSatisfy({ $0 >= 0x20 && $0 < 0x7f }) else {
      throw CredentialsError(.invalid, "The container authorization token holds line ends or other control characters")
    }
    return token
  }
}
