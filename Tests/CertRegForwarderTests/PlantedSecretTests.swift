import CertRegClock
import CertRegCore
import CertRegCrypto
import CertRegSigV4
import CertRegTesting
import Foundation
import Logging
import NIOHTTP1
import Testing

@testable import CertRegForwarder

/// Plants secrets in variables, files, headers, replies and the output of helper programs, and looks for them in all
/// that comes out: errors, log lines and the check of an upstream.
@Suite struct PlantedSecretTests {
  private static let secretKey = "Pl4ntedKey+AbCdEfGh/0123456789/IjKlMnOpQ"
  private static let sessionToken = "IQoJb3JpZ2luX2VjPl4ntedSessionToken//////////wEaCWV1LWNlbnRyYWwtMSJHMEUCIQ"
  private static let webToken = "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJwbGFudGVkIn0.cGxhbnRlZC1zaWduYXR1cmUtb2YtdG9rZW4"
  private static let containerToken = "zyxomma quokka jabberwock"
  private static let proxyPassword = "planted-proxy-p%40ssword"
  private static let secrets = [
    secretKey, sessionToken, webToken, containerToken, proxyPassword, "planted-proxy-p@ssword", "planted-by-helper",
    "planted-argument", "planted-external-id",
  ]

  private static let keys = [
    "AWS_ACCESS_KEY_ID": "AKIDPLANTED", "AWS_SECRET_ACCESS_KEY": secretKey, "AWS_SESSION_TOKEN": sessionToken,
  ]

  private func expectNone(in output: String, _ source: SourceLocation = #_sourceLocation) {
    #expect(output.contains { !$0.isWhitespace }, "there is no output that could show a secret", sourceLocation: source)
    for secret in Self.secrets {
      let bytes = Array(secret.utf8)
      let all = Array(output.utf8)
      for start in stride(from: 0, through: bytes.count - 8, by: 4) {
        let piece = bytes[start..<start + 8]
        let isThere = all.indices.dropLast(7).contains { all[$0..<$0 + 8] == piece }
        #expect(!isThere, "\(secret) from \(start): \(output)", sourceLocation: source)
      }
    }
  }

  /// Replies with the whole request in every part of an error.
  private static func echo(_ request: ReceivedRequest, status: Int) -> CannedReply {
    let headers = request.headers.map { "\($0.name): \($0.value)" }.joined(separator: " | ")
    let all = "\(headers) \(request.body) \(request.uri) \(secretKey) \(webToken) \(sessionToken)"
    let json = all.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"")
    let token = request.headers.first(name: "X-Amz-Security-Token") ?? webToken
    return .json(
      status, #"{"message":"\#(json)","code":"\#(secretKey)"}"#,
      [("x-amzn-RequestId", secretKey), ("x-amzn-ErrorType", token)])
  }

  private func context(
    _ environment: [String: String], files: [String: String] = [:], log: RecordedEntries = RecordedEntries()
  ) -> CredentialsContext {
    .onHost(
      environment.merging(["AWS_REGION": "eu-central-1"]) { own, _ in own }, files: MemoryFiles(files).files,
      logger: Logger(label: "test", factory: { _ in log }))
  }

  /// The errors and log lines of a target whose credentials fail.
  private func output(
    _ configuration: CredentialsConfiguration, _ environment: [String: String], files: [String: String] = [:]
  ) async throws -> String {
    let log = RecordedEntries()
    let context = context(environment, files: files, log: log)
    let provider = try context.provider(for: TargetConfiguration(credentials: configuration), region: "eu-central-1")
    let source = RefreshingCredentials(
      provider: provider, clock: .system, files: MemoryFiles().files, logger: context.logger)
    let error = await #expect(throws: CredentialsError.self) { _ = try await source.credentials() }
    await source.shutdown()
    return "\(error?.message ?? "") \(provider.summary) \(log.text)"
  }

  @Test(arguments: [400, 401, 403, 404, 409, 429, 500, 503])
  func `an upstream that repeats the request shows no secret`(status: Int) async throws {
    let server = try await LoopbackServer.start { request, _ in Self.echo(request, status: status) }
    let log = RecordedEntries()
    var configuration = TargetConfiguration(name: TargetName("test"))
    configuration.endpoint = "http://127.0.0.1:\(server.port)"
    let context = context(
      Self.keys.merging(["AWS_ENDPOINT_URL_STS": "http://127.0.0.1:\(server.port)"]) { $1 }, log: log)
    let check = try await context.check(configuration)
    let client = try await AWSUpstreamClient(configuration: configuration, context: context)
    let reply = await client.registerCertificateWithoutCA(
      RegisterCertificateCall(certificateID: SHA256.digest(of: "x"), der: [1], status: nil))
    await client.shutdown()
    try await server.stop()
    expectNone(in: "\(reply) \(check) \(log.text)")
  }

  @Test(arguments: [200, 400, 403, 500])
  func `a token service that repeats the request shows no secret`(status: Int) async throws {
    let server = try await LoopbackServer.start { request, _ in
      let text = "\(request.body) \(request.headers)"
      return CannedReply(
        status: status,
        body: "<ErrorResponse><Error><Code>\(Self.secretKey)</Code><Message>\(text)</Message></Error></ErrorResponse>")
    }
    let environment = Self.keys.merging(["AWS_ENDPOINT_URL_STS": "http://127.0.0.1:\(server.port)"]) { $1 }
    let arn = "arn:aws:iam::123456789012:role/r"
    let identity = CredentialsConfiguration.webIdentity(roleARN: arn, tokenFile: "/token", sessionName: nil)
    expectNone(in: try await output(identity, environment, files: ["/token": Self.webToken]))
    let role = CredentialsConfiguration.assumeRole(
      roleARN: arn, sourceProfile: nil, sessionName: nil, externalID: "planted-external-id")
    expectNone(in: try await output(role, environment))
    try await server.stop()
  }

  @Test func `a container endpoint that repeats the token shows no secret`() async throws {
    let server = try await LoopbackServer.start { request, _ in Self.echo(request, status: 403) }
    let uri = "http://127.0.0.1:\(server.port)/v2/planted-argument-of-task?token=planted-argument"
    let files = ["/token": Self.containerToken]
    for token in [
      ["AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE": "/token"], ["AWS_CONTAINER_AUTHORIZATION_TOKEN": Self.containerToken],
    ] {
      expectNone(in: try await output(.container(uri: uri), token.merging(Self.keys) { $1 }, files: files))
    }
    expectNone(in: try await output(.instanceMetadata(endpoint: "http://127.0.0.1:\(server.port)"), Self.keys))
    try await server.stop()
  }

  @Test(arguments: [
    "set -x; PASSWORD=planted-by-helper; curl --pin planted-by-helper /none; false",
    "set -x; WORDS='correct\nplanted-by-helper'; false", "set -x; echo 'x\nplanted-by-helper' >/dev/null; false",
    #"set -x; KEY='{\n"a": "planted-by-helper",\n}'; : "$KEY"; false"#,
    "echo 'login with password planted-argument' >&2; exit 1",
    "echo \"no key: AWS_SECRET_ACCESS_KEY=$HELPER_WORDS planted-argument\" >&2; exit 1",
    "env >&2; exit 1", "echo 'token: planted-by-helper' >&2; exit 3",
    #"printf '{"SecretAccessKey":"planted-by-helper"}'; echo planted-by-helper >&2; exit 1"#,
  ])
  func `the complaint of a helper program shows no secret`(script: String) async throws {
    let environment = Self.keys.merging([
      "PATH": "/usr/bin:/bin", "HTTPS_PROXY": "http://me:\(Self.proxyPassword)@proxy:3128",
    ]) { $1 }
    let files = ["/script": script]
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent("certregd-\(UUID().uuidString)")
    defer { try? FileManager.default.removeItem(at: folder) }
    try Data(script.utf8).write(to: folder)
    let text = try await output(
      .process(command: "/bin/sh \(folder.path) --password planted-argument"), environment, files: files)
    #expect(text.contains("ended with status"))
    expectNone(in: text)
  }

  @Test func `a program that cannot be started shows no secret`() async throws {
    expectNone(in: try await output(.process(command: "PASSWORD=planted-argument helper"), Self.keys))
  }

  @Test func `variables and settings that cannot be used show no secret`() async throws {
    let user = "me:\(Self.proxyPassword)"
    for name in ["AWS_ENDPOINT_URL_STS", "HTTP_PROXY", "http_proxy", "ALL_PROXY"] {
      for url in ["http://\(user)@h:x", "ftp://\(user)@h", "\(user)@h:x", "http://\(user)@h/?a b"] {
        let environment = Self.keys.merging([name: url, "AWS_ENDPOINT_URL": "http://192.0.2.1"]) { $1 }
        let role = CredentialsConfiguration.assumeRole(
          roleARN: "arn:aws:iam::123456789012:role/r", sourceProfile: nil, sessionName: nil, externalID: nil)
        expectNone(in: try await output(role, environment))
      }
    }
    for url in ["http://\(user)@127.0.0.1:1/", "ftp://\(user)@h"] {
      expectNone(in: try await output(.container(uri: url), Self.keys))
      expectNone(in: try await output(.instanceMetadata(endpoint: url), Self.keys))
      for change in [\TargetConfiguration.endpoint, \.proxy] {
        var configuration = TargetConfiguration(name: TargetName("test"))
        configuration[keyPath: change] = url
        let context = context(Self.keys)
        let error = await #expect(throws: UpstreamConfigurationError.self) {
          let client = try await AWSUpstreamClient(configuration: configuration, context: context)
          await client.shutdown()
          throw UpstreamConfigurationError("a proxy may have a password")
        }
        expectNone(in: "\(error?.description ?? "")")
      }
    }
  }

  @Test func `shared files that cannot be used show no secret`() async throws {
    let texts = [
      "[default]\naws_secret_access_key = \(Self.secretKey)", "[default\n\(Self.secretKey)", Self.secretKey,
      "[default]\n\(Self.secretKey)", "[default]\nrole_arn = arn\nexternal_id = planted-external-id",
      "[default]\ncredential_process = 'PASSWORD=planted-argument",
    ]
    for text in texts {
      expectNone(in: try await output(.profile(name: "default", file: "/f"), [:], files: ["/f": text]))
    }
  }
}
