import CertRegClock
import CertRegCore
import CertRegCrypto
import CertRegSigV4
import Foundation
import NIOHTTP1
import NIOSSL
import Testing

@testable import CertRegForwarder

/// The sources that exchange one identity for a role's credentials.
@Suite struct RoleCredentialsTests {
  static let end = CredentialsProviderTests.end
  private static let answer = """
    <AssumeRoleResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><AssumeRoleResult><Credentials>\
    <AccessKeyId>ROLE</AccessKeyId><SecretAccessKey>r&amp;s</SecretAccessKey><SessionToken>rt</SessionToken>\
    <Expiration>2036-11-24T07:55:55.123Z</Expiration></Credentials></AssumeRoleResult></AssumeRoleResponse>
    """
  private static let success = CannedReply(headers: [("Content-Type", "text/xml")], body: answer)

  private static func refusal(_ status: Int, _ code: String, _ message: String) -> CannedReply {
    CannedReply(
      status: status,
      body:
        "<ErrorResponse><Error><Type>Sender</Type><Code>\(code)</Code><Message>\(message)</Message></Error></ErrorResponse>"
    )
  }

  func fetch(
    _ configuration: CredentialsConfiguration, environment: [String: String] = [:], files: HostFiles,
    clock: HostClock = .system, region: String? = "eu-central-1"
  ) async throws -> ProvidedCredentials? {
    let context = CredentialsContext.onHost(environment, files: files, clock: clock)
    let provider = try context.provider(for: TargetConfiguration(credentials: configuration), region: region)
    let result: Result<ProvidedCredentials?, CredentialsError>
    do throws(CredentialsError) { result = .success(try await provider.fetch()) } catch { result = .failure(error) }
    await provider.shutdown()
    return try result.get()
  }

  func failure(
    _ configuration: CredentialsConfiguration, environment: [String: String] = [:], files: HostFiles,
    region: String? = "eu-central-1"
  ) async throws -> CredentialsError {
    do {
      _ = try await fetch(configuration, environment: environment, files: files, region: region)
    } catch let error as CredentialsError {
      return error
    }
    Issue.record("no error")
    return CredentialsError(.notFound, "")
  }

  private func form(_ request: ReceivedRequest) -> [String: String] {
    var parameters: [String: String] = [:]
    for item in request.body.split(separator: "&") {
      let parts = item.split(separator: "=", maxSplits: 1).map(String.init)
      parameters[parts[0]] = parts.count > 1 ? parts[1].removingPercentEncoding : ""
    }
    return parameters
  }

  private func withService(
    _ answer: @escaping LoopbackServer.Answer, _ body: (LoopbackServer, [String: String]) async throws -> Void
  ) async throws {
    let server = try await LoopbackServer.start(answer: answer)
    try await body(server, ["AWS_ENDPOINT_URL_STS": "http://127.0.0.1:\(server.port)"])
    try await server.stop()
  }

  private static let keys = ["AWS_ACCESS_KEY_ID": "BASE", "AWS_SECRET_ACCESS_KEY": "base-secret"]

  @Test func `a refusal may repeat headers of an unsigned call`() async throws {
    let type = "application/x-www-form-urlencoded; charset=utf-8"
    try await withService { _, _ in
      Self.refusal(400, "ValidationError", "expected \(type)")
    } _: { (_, environment) async throws in
      let error = try await failure(
        .webIdentity(roleARN: "arn:aws:iam::1:role/x", tokenFile: "/token", sessionName: nil), environment: environment,
        files: MemoryFiles(["/token": "web-token"]).files)
      #expect(error.message.contains("expected \(type)"), "\(error.message)")
    }
  }

  @Test func `a web identity without a role names the place of its token file`() async throws {
    let files = MemoryFiles(["/h/.aws/config": "[default]\nweb_identity_token_file = /token"]).files
    let ofProfile = try await failure(.chain, files: files)
    #expect(ofProfile.message.hasPrefix("The profile default has web_identity_token_file but no role_arn"))
    let ofVariable = try await failure(.chain, environment: ["AWS_WEB_IDENTITY_TOKEN_FILE": "/token"], files: files)
    #expect(ofVariable.message == "AWS_WEB_IDENTITY_TOKEN_FILE is set but AWS_ROLE_ARN is not: set both or neither")
    #expect(ofProfile.code == .invalid && ofVariable.code == .invalid)
  }

  // MARK: AssumeRole

  @Test func `takes a role with the chain's identity`() async throws {
    try await withService { _, _ in
      Self.success
    } _: { (server, environment) async throws in
      let configuration = CredentialsConfiguration.assumeRole(
        roleARN: "arn:aws:iam::1:role/x", sourceProfile: nil, sessionName: "station-7", externalID: "e/1 ü")
      let provided = try await fetch(
        configuration, environment: environment.merging(Self.keys) { $1 }, files: MemoryFiles().files)
      #expect(provided?.signing == SigningCredentials(accessKeyID: "ROLE", secretAccessKey: "r&s", sessionToken: "rt"))
      #expect(provided?.expiration == Self.end)
      let request = try #require(server.requests.first)
      #expect(
        form(request) == [
          "Action": "AssumeRole", "Version": "2011-06-15", "RoleArn": "arn:aws:iam::1:role/x",
          "RoleSessionName": "station-7", "DurationSeconds": "3600", "ExternalId": "e/1 ü",
        ])
      #expect(request.headers["Content-Type"] == ["application/x-www-form-urlencoded; charset=utf-8"])
      #expect(try holds(request, secret: "base-secret"))
    }
  }

  /// Whether a request to the Security Token Service is signed with `secret`.
  private func holds(_ request: ReceivedRequest, secret: String) throws -> Bool {
    let header = try AuthorizationHeader(parsing: try #require(request.headers.first(name: "Authorization")))
    #expect(header.scope == SigningScope(region: "eu-central-1", service: "sts"))
    let canonical = CanonicalRequest(
      method: request.method, path: request.uri, headers: request.headers.map { ($0.name, $0.value) },
      selection: .named(header.signedHeaderNames), payloadHash: SHA256.digest(of: request.body).hex)
    let date = try #require(request.headers.first(name: "X-Amz-Date"))
    return header.signature
      == signature(
        of: canonical, secretAccessKey: secret, amzDate: date, scope: header.scope, keys: SigningKeyCache())
  }

  @Test(arguments: [
    ("station-7.example", "certregd-station-7.example"), ("ü station/7", "certregd-station7"), ("", "certregd-host"),
    (String(repeating: "a", count: 64), "certregd-" + String(repeating: "a", count: 55)),
  ])
  func `a session without a name is named after the host`(host: String, name: String) async throws {
    try await withService { _, _ in
      Self.success
    } _: { (server, environment) async throws in
      let context = CredentialsContext.onHost(environment, files: MemoryFiles(["/token": "t"]).files, hostName: host)
      let provider = try context.provider(
        for: TargetConfiguration(
          credentials: .webIdentity(roleARN: "arn:aws:iam::1:role/x", tokenFile: "/token", sessionName: nil)),
        region: "eu-central-1")
      _ = try await provider.fetch()
      await provider.shutdown()
      #expect(server.requests.map { form($0)["RoleSessionName"] } == [name])
    }
  }

  @Test func `follows a chain of profiles`() async throws {
    let files = MemoryFiles([
      "/h/.aws/config": """
      [profile a]
      role_arn = arn:aws:iam::1:role/a
      source_profile = b
      [profile b]
      role_arn = arn:aws:iam::2:role/b
      source_profile = c
      role_session_name = s
      external_id = x
      duration_seconds = 900
      [profile c]
      aws_access_key_id = B
      aws_secret_access_key = base-secret
      """
    ])
    try await withService { _, _ in
      Self.success
    } _: { (server, environment) async throws in
      let provided = try await fetch(.profile(name: "a", file: nil), environment: environment, files: files.files)
      #expect(provided?.signing.accessKeyID == "ROLE")
      let requests = server.requests
      #expect(requests.map { form($0)["RoleArn"] } == ["arn:aws:iam::2:role/b", "arn:aws:iam::1:role/a"])
      #expect(form(requests[0])["RoleSessionName"] == "s" && form(requests[0])["DurationSeconds"] == "900")
      #expect(form(requests[0])["ExternalId"] == "x")
      #expect(try holds(requests[0], secret: "base-secret"))
      #expect(try holds(requests[1], secret: "r&s"))
      #expect(requests[1].headers["X-Amz-Security-Token"] == ["rt"])
    }
  }

  @Test(arguments: [
    // A source with keys and a role gives its keys; a profile may take its role with its own keys.
    ("source_profile = b\n[profile b]\nrole_arn = arn:b\nsource_profile = c", ["arn:a"], "base-secret"),
    ("source_profile = a", ["arn:a"], "base-secret"),
  ])
  func `keys of a source profile come before its role`(settings: String, roles: [String], secret: String) async throws {
    let keys = "\naws_access_key_id = B\naws_secret_access_key = base-secret\n"
    let files = MemoryFiles(["/h/.aws/config": "[profile a]\nrole_arn = arn:a\n\(settings)\(keys)"])
    try await withService { _, _ in
      Self.success
    } _: { (server, environment) async throws in
      _ = try await fetch(.profile(name: "a", file: nil), environment: environment, files: files.files)
      #expect(server.requests.map { form($0)["RoleArn"] } == roles)
      #expect(try holds(server.requests[0], secret: secret))
    }
  }

  @Test(arguments: [
    "endpoint_url = URL", "services = s\n[services s]\nsts =\n  endpoint_url = URL",
    "endpoint_url = http://127.0.0.1:1\nservices = s\n[services s]\nsts =\n  endpoint_url = URL",
  ])
  func `the profile names the endpoint of the service`(settings: String) async throws {
    try await withService { _, _ in
      Self.success
    } _: { (server, _) async throws in
      let own = settings.replacing("URL", with: "http://127.0.0.1:\(server.port)")
      let files = MemoryFiles([
        "/h/.aws/config":
          "[profile a]\nrole_arn = arn:a\nsource_profile = a\naws_access_key_id = B\naws_secret_access_key = s\n\(own)"
      ])
      _ = try await fetch(.profile(name: "a", file: nil), files: files.files)
      #expect(server.requests.count == 1)
    }
  }

  @Test(arguments: [
    ("role_arn = r", "neither"), ("role_arn = r\nsource_profile = b\ncredential_source = Environment", "both"),
    ("role_arn = r\nsource_profile = missing", "does not exist"),
    ("role_arn = r\nsource_profile = b", "by way of itself"),
    ("role_arn = r\ncredential_source = Nonsense", "none of"),
    ("role_arn = r\nsource_profile = c", "has no credentials"),
    ("role_arn = r\nsource_profile = b\nmfa_serial = m", "mfa_serial"), ("sso_session = s", "SSO"),
    ("role_arn = r\ncredential_source = Environment", "has no credentials"),
  ])
  func `names the fault of a profile`(settings: String, words: String) async throws {
    let files = MemoryFiles([
      "/h/.aws/config":
        "[profile a]\n\(settings)\n[profile b]\nrole_arn = r\nsource_profile = a\n[profile c]\nregion = r"
    ])
    let error = try await failure(.profile(name: "a", file: nil), files: files.files)
    #expect(error.code == .invalid && error.message.contains(words), "\(error.message)")
  }

  @Test func `a refused role needs a correction, a busy service does not`() async throws {
    let role = CredentialsConfiguration.assumeRole(
      roleARN: "arn:aws:iam::1:role/x", sourceProfile: nil, sessionName: nil, externalID: nil)
    let cases: [(CannedReply, CredentialsError.Code)] = [
      (Self.refusal(403, "AccessDenied", "not base-secret authorized"), .invalid),
      (Self.refusal(400, "ValidationError", "bad"), .invalid),
      (Self.refusal(503, "ServiceUnavailable", "x"), .unavailable),
      (Self.refusal(400, "Throttling", "Rate exceeded"), .unavailable),
      (CannedReply(status: 502, body: "<html>"), .unavailable), (CannedReply(body: "<html>"), .unavailable),
    ]
    for (reply, code) in cases {
      try await withService { _, _ in
        reply
      } _: { (_, environment) async throws in
        let error = try await failure(
          role, environment: environment.merging(Self.keys) { $1 }, files: MemoryFiles().files)
        #expect(error.code == code, "\(error.message)")
        #expect(!error.message.contains("base-secret"))
      }
    }
    let none = try await failure(role, files: MemoryFiles().files)
    #expect(none.code == .notFound && none.message.contains("AWS_ACCESS_KEY_ID"))
    let regionless = try await failure(role, environment: Self.keys, files: MemoryFiles().files, region: nil)
    #expect(regionless.code == .invalid && regionless.message.contains("region"))
  }

  @Test func `takes a role in spite of a wrong clock`() async throws {
    let real = CivilTime.wallTime(year: 2026, month: 11, day: 24, hour: 9)
    let clock = HostClock(monotonic: { HostClock.system.monotonic }, wall: { real + .seconds(86_400) })
    try await withService { request, _ in
      request.headers.first(name: "X-Amz-Date") == real.amzDate
        ? Self.success
        : Self.refusal(
          403, "SignatureDoesNotMatch",
          "Signature not yet current: A is still later than B (\(real.amzDate) + 5 min.)")
    } _: { (server, environment) async throws in
      let role = CredentialsConfiguration.assumeRole(
        roleARN: "arn:aws:iam::1:role/x", sourceProfile: nil, sessionName: nil, externalID: nil)
      let provided = try await fetch(
        role, environment: environment.merging(Self.keys) { $1 }, files: MemoryFiles().files, clock: clock)
      #expect(provided?.signing.accessKeyID == "ROLE" && server.requests.count == 2)
    }
  }

  // MARK: Web identity

  @Test func `exchanges the file's current token, unsigned`() async throws {
    let files = MemoryFiles(["/token": "jwt.one\n"])
    try await withService { _, _ in
      Self.success
    } _: { (server, environment) async throws in
      let web = ["AWS_WEB_IDENTITY_TOKEN_FILE": "/token", "AWS_ROLE_ARN": "arn:aws:iam::1:role/w"]
      for token in ["jwt.one", "jwt.two"] {
        files.write("/token", token)
        let provided = try await fetch(.chain, environment: environment.merging(web) { $1 }, files: files.files)
        #expect(provided?.signing.accessKeyID == "ROLE")
      }
      #expect(server.requests.map { form($0)["WebIdentityToken"] } == ["jwt.one", "jwt.two"])
      #expect(form(server.requests[0])["Action"] == "AssumeRoleWithWebIdentity")
      #expect(!server.requests[0].headers.contains(name: "Authorization"))
      let half = try await failure(.chain, environment: ["AWS_WEB_IDENTITY_TOKEN_FILE": "/token"], files: files.files)
      #expect(half.message.contains("AWS_ROLE_ARN"))
    }
  }
}
