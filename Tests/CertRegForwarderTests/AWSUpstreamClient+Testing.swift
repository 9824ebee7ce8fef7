import CertRegClock
import CertRegCore
import CertRegCrypto
import CertRegSigV4
import Logging
import NIOHTTP1
import NIOPosix
import Testing

@testable import CertRegForwarder

extension AWSUpstreamClient {
  func registerCertificateWithoutCA(_ call: RegisterCertificateCall) async -> UpstreamReply {
    await perform(.registerCertificateWithoutCA(call))
  }
}

/// Runs `body` with a client of a server; `answer` chooses the server's answers.
func withUpstreamClient<Value>(
  credentials: any CredentialsSource = FixedCredentials(),
  clock: HostClock = .system,
  configure: (inout TargetConfiguration) -> Void = { _ in },
  environment: [String: String] = [:],
  logger: Logger = Logger(label: "test"),
  answer: @escaping LoopbackServer.Answer,
  _ body: (AWSUpstreamClient, LoopbackServer) async throws -> Value
) async throws -> Value {
  let server = try await LoopbackServer.start(answer: answer)
  var configuration = TargetConfiguration(name: TargetName("test"))
  configuration.region = "eu-central-1"
  configuration.endpoint = "http://127.0.0.1:\(server.port)"
  // A busy machine must not end a call whose test is not about time.
  configuration.requestTimeout = .seconds(600)
  configure(&configuration)
  let environment = ProcessEnvironment(environment)
  let profiles = SharedProfileStore(environment: environment)
  let client = try await AWSUpstreamClient(
    configuration: configuration,
    endpoint: TargetEndpoint(
      configuration: configuration, environment: environment, profiles: profiles),
    credentials: credentials,
    connections: ConnectionSettings(configuration, environment: environment, profiles: profiles), clock: clock,
    eventLoopGroup: MultiThreadedEventLoopGroup.singleton, logger: logger)
  let value: Value
  do {
    value = try await body(client, server)
  } catch {
    await client.shutdown()
    throw error
  }
  await client.shutdown()
  try? await server.stop()
  return value
}

/// Runs `body` with a client of a server, and returns what the server received beside its value.
func withUpstream<Value>(
  environment: [String: String] = [:], configure: (inout TargetConfiguration) -> Void = { _ in },
  answer: @escaping LoopbackServer.Answer, _ body: (AWSUpstreamClient) async throws -> Value
) async throws -> (value: Value, requests: [ReceivedRequest]) {
  try await withUpstreamClient(configure: configure, environment: environment, answer: answer) { client, server in
    let value = try await body(client)
    return (value, server.requests)
  }
}

/// Whether a request's signature is right, according to the signing module's verifier.
func signatureHolds(_ request: ReceivedRequest, service: String = "iot") throws -> Bool {
  let header = try AuthorizationHeader(parsing: try #require(request.headers.first(name: "Authorization")))
  let canonical = CanonicalRequest(
    method: request.method, path: String(request.uri.prefix { $0 != "?" }),
    query: String(request.uri.drop { $0 != "?" }.dropFirst()), headers: request.headers.map { ($0.name, $0.value) },
    selection: .named(header.signedHeaderNames), payloadHash: SHA256.digest(of: request.body).hex)
  let date = try #require(request.headers.first(name: "X-Amz-Date"))
  #expect(header.scope == SigningScope(region: "eu-central-1", service: service))
  let expected = signature(
    of: canonical, secretAccessKey: FixedCredentials.first.secretAccessKey, amzDate: date, scope: header.scope,
    keys: SigningKeyCache())
  return expected == header.signature
}
