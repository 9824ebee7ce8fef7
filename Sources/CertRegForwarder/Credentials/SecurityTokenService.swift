import CertRegCore
import CertRegCrypto
import CertRegSigV4
import NIOHTTP1

/// A role to take, and the name of the session.
struct RoleRequest: Sendable, Hashable {
  var roleARN: String
  /// `nil`: `certregd-` and the host's name, so that CloudTrail shows which host registered.
  var sessionName: String?
  var externalID: String?
  var durationSeconds = 3600
}

/// The operations of the Security Token Service that return a role's credentials or an identity.
struct SecurityTokenService: Sendable {
  /// `nil`: neither the target nor the profile names one.
  var region: String?
  /// Becomes a part of the name of sessions that have no other.
  let hostName: String
  let environment: ProcessEnvironment
  let clock: HostClock
  let endpoints: CredentialEndpoints
  let resolver: EndpointResolver

  /// Parameters that a reply must not repeat.
  private static let secretParameters: Set<String> = ["WebIdentityToken", "ExternalId"]

  /// Takes a role as the identity of `source` (AssumeRole).
  func assumeRole(
    _ role: RoleRequest, as source: SigningCredentials
  ) async throws(CredentialsError) -> ProvidedCredentials {
    var parameters = [("Action", "AssumeRole")] + common(role)
    if let externalID = role.externalID { parameters.append(("ExternalId", externalID)) }
    return try await call(parameters, role: role, signing: source)
  }

  /// Takes a role with a token of an identity provider (AssumeRoleWithWebIdentity).
  func assumeRole(_ role: RoleRequest, webIdentityToken token: String) async throws(CredentialsError)
    -> ProvidedCredentials
  {
    let parameters = [("Action", "AssumeRoleWithWebIdentity")] + common(role) + [("WebIdentityToken", token)]
    return try await call(parameters, role: role, signing: nil)
  }

  /// The ARN of the identity that `source` signs as (GetCallerIdentity, which needs no permission).
  func callerIdentity(_ source: SigningCredentials) async throws(CredentialsError) -> String? {
    let reply = try await exchange([("Action", "GetCallerIdentity"), ("Version", "2011-06-15")], signing: source).reply
    guard reply.status == 200 else { return nil }
    return XMLElement.text("Arn", in: String(decoding: reply.body, as: UTF8.self))
      .map { UpstreamText(credentials: source, secrets: environment.secrets).clean($0) }
  }

  private func common(_ role: RoleRequest) -> [(String, String)] {
    [
      ("Version", "2011-06-15"), ("RoleArn", role.roleARN),
      ("RoleSessionName", role.sessionName ?? defaultSessionName),
      ("DurationSeconds", String(role.durationSeconds)),
    ]
  }

  /// `certregd-HOST`, of the characters and length that a session's name may have (2 to 64 of `[A-Za-z0-9_+=,.@-]`).
  private var defaultSessionName: String {
    let plain = hostName.filter { ($0.isASCII && ($0.isLetter || $0.isNumber)) || "_+=,.@-".contains($0) }
    return String("certregd-\(plain.isEmpty ? "host" : plain)".prefix(64))
  }

  private func call(
    _ parameters: [(String, String)], role: RoleRequest, signing: SigningCredentials?
  ) async throws(CredentialsError) -> ProvidedCredentials {
    let (reply, authorization) = try await exchange(parameters, signing: signing)
    let document = String(decoding: reply.body, as: UTF8.self)
    if reply.status == 200 { return try read(document, role: role) }
    var secrets = environment.secrets
    for (name, value) in parameters where Self.secretParameters.contains(name) { secrets = secrets.adding(value) }
    throw Refusal(reply, document).error(
      role: role, text: UpstreamText(credentials: signing, authorization: authorization, secrets: secrets))
  }

  /// Sends a call, and repeats it if the first request was refused for its time.
  private func exchange(
    _ parameters: [(String, String)], signing: SigningCredentials?
  ) async throws(CredentialsError) -> (reply: HTTPReply, authorization: String?) {
    let (url, region) = try endpoint()
    let body = Array(
      parameters.map { "\($0.0)=\(URIEncoding.encode($0.1))" }.joined(separator: "&").utf8)
    var headers: [(name: String, value: String)] = [
      ("Host", url.authority), ("Content-Type", "application/x-www-form-urlencoded; charset=utf-8"),
    ]
    let unsigned = headers
    let offset = ClockOffset()
    var isFirst = true
    while true {
      if let signing {
        let signer = RequestSigner(credentials: signing, scope: SigningScope(region: region, service: "sts"))
        let added = signer.sign(
          method: "POST", path: url.path.isEmpty ? "/" : url.path, headers: unsigned,
          payloadHash: SHA256.digest(of: body), at: offset.corrected(clock.wall))
        headers = unsigned + added
      }
      let reply = try await endpoints.send(
        .POST, url, headers: headers, body: body, timeout: CredentialEndpoints.remoteTimeout,
        service: "the Security Token Service")
      if reply.status != 200, isFirst, signing != nil,
        let time = Refusal(reply, String(decoding: reply.body, as: UTF8.self)).upstreamTime
      {
        isFirst = false
        offset.learn(upstream: time, now: clock.wall)
        continue
      }
      return (reply, signing == nil ? nil : headers.last?.value)
    }
  }

  private func endpoint() throws(CredentialsError) -> (url: ServiceURL, region: String) {
    guard let region else {
      throw CredentialsError(.invalid, "A region is needed to take a role: set `region` of the target or AWS_REGION")
    }
    return try resolver.sts(region: region)
  }

  private func read(_ document: String, role: RoleRequest) throws(CredentialsError) -> ProvidedCredentials {
    guard let keyID = XMLElement.text("AccessKeyId", in: document),
      let secret = XMLElement.text("SecretAccessKey", in: document),
      let token = XMLElement.text("SessionToken", in: document),
      let expiration = XMLElement.text("Expiration", in: document).flatMap(HTTPDate.rfc3339)
    else { throw CredentialsError(.unavailable, "The Security Token Service gave an answer without credentials") }
    return ProvidedCredentials(
      signing: try SigningCredentials(
        accessKeyID: .init("AccessKeyId of the Security Token Service", keyID),
        secretAccessKey: .init("SecretAccessKey of the Security Token Service", secret),
        sessionToken: .init("SessionToken of the Security Token Service", token)),
      expiration: expiration, source: "role \(role.roleARN)")
  }

  /// An answer that is an error.
  private struct Refusal {
    private let status: Int
    private let code: String?
    private let message: String?
    private let category: AWSErrorCategory?
    /// The service's time, if the request was refused for its time.
    private(set) var upstreamTime: WallTime?

    init(_ reply: HTTPReply, _ document: String) {
      status = reply.status
      code = UpstreamText.identifier(XMLElement.text("Code", in: document))
      message = XMLElement.text("Message", in: document)
      // A refusal of the service has a code and a request's ID.
      let isForeign = code == nil && reply.headers.first(name: "x-amzn-RequestId") == nil
      category = AWSErrorCategory(type: code, message: message, status: status, isForeign: isForeign)
      if category == .clockSkew {
        upstreamTime = ClockSkew.upstreamTime(message: message, dateHeader: reply.headers.first(name: "Date"))
      }
    }

    func error(role: RoleRequest, text: UpstreamText) -> CredentialsError {
      let words = text.clean(message ?? "no reason given", limit: 256)
      let code = code.map { text.clean($0, limit: 128) }
      switch category {
      case .throttled, .unavailable, .internalFault, nil:
        return CredentialsError(
          .unavailable, "The Security Token Service is not available (HTTP \(status)): \(words)")
      default:
        return CredentialsError(
          .invalid,
          "The role \(role.roleARN) cannot be taken (\(code ?? "HTTP \(status)")): \(words); check its trust policy and the "
            + "identity that takes it")
      }
    }
  }
}
