import CertRegClock
import CertRegCore
import CertRegCrypto
import CertRegTesting
import Logging
import NIOCore
import NIOPosix
import Testing

@testable import CertRegForwarder

/// A later 409 is the answer to an earlier call only if that call may have reached the upstream.
@Suite(.timeLimit(.minutes(2))) struct MayHaveTakenEffectTests {
  private static let der = Array("any bytes".utf8)
  private static let id = SHA256.digest(of: der)
  private static let arn = "arn:aws:iot:eu-central-1:123456789012:cert/\(id.hex)"
  private static let success = #"{"certificateArn":"\#(arn)","certificateId":"\#(id.hex)"}"#
  private let call = RegisterCertificateCall(certificateID: id, der: der, status: .active)

  private func client(
    _ endpoint: String, requestTimeout: Duration = .seconds(600), connectTimeout: Duration = .seconds(3)
  ) async throws -> AWSUpstreamClient {
    var configuration = TargetConfiguration(name: TargetName("test"))
    configuration.region = "eu-central-1"
    configuration.endpoint = endpoint
    configuration.requestTimeout = requestTimeout
    configuration.connectTimeout = connectTimeout
    let environment = ProcessEnvironment([:])
    let profiles = SharedProfileStore(environment: environment)
    return try await AWSUpstreamClient(
      configuration: configuration,
      endpoint: TargetEndpoint(
        configuration: configuration, environment: environment, profiles: profiles),
      credentials: FixedCredentials(),
      connections: ConnectionSettings(configuration, environment: environment, profiles: profiles), clock: .system,
      eventLoopGroup: MultiThreadedEventLoopGroup.singleton, logger: Logger(label: "test"))
  }

  private func failure(_ reply: UpstreamReply) throws -> UpstreamFailure {
    guard case .failed(let failure) = reply else { throw Unexpected() }
    return failure
  }

  private struct Unexpected: Error {}

  /// A server that accepts connections and sends nothing.
  private func silentServer(accepted: AsyncStream<Void>.Continuation) async throws -> any Channel {
    try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
      .childChannelInitializer { channel in
        accepted.yield()
        return channel.eventLoop.makeSucceededVoidFuture()
      }
      .bind(host: "127.0.0.1", port: 0).get()
  }

  // Shutting down waits for connection attempts under way, up to `connectTimeout`.
  @Test(arguments: [Duration.milliseconds(200), .seconds(3)])
  func `an endless handshake sends nothing, whichever time limit ends it`(connectTimeout: Duration) async throws {
    let (_, accepted) = AsyncStream<Void>.makeStream()
    let server = try await silentServer(accepted: accepted)
    let client = try await client(
      "https://127.0.0.1:\(server.localAddress?.port ?? 0)", requestTimeout: .milliseconds(400),
      connectTimeout: connectTimeout)
    let failure = try failure(await client.registerCertificateWithoutCA(call))
    #expect(!failure.mayHaveTakenEffect && failure.isTimeout)
    #expect(failure.error.reason == "connect_timeout")
    await client.shutdown()
    try await server.close()
  }

  @Test func `a call that is cancelled before the handshake ends sends nothing`() async throws {
    let (connections, accepted) = AsyncStream<Void>.makeStream()
    let server = try await silentServer(accepted: accepted)
    let client = try await client("https://127.0.0.1:\(server.localAddress?.port ?? 0)")
    let task = Task { await client.registerCertificateWithoutCA(call) }
    for await _ in connections { break }
    task.cancel()
    #expect(try !failure(await task.value).mayHaveTakenEffect)
    await client.shutdown()
    try await server.close()
  }

  @Test func `a connection that is refused sends nothing`() async throws {
    let client = try await client("http://127.0.0.1:1")
    #expect(try !failure(await client.registerCertificateWithoutCA(call)).mayHaveTakenEffect)
    await client.shutdown()
  }

  @Test func `a request without an answer may have taken effect, also when it is cancelled`() async throws {
    let server = try await LoopbackServer.start { _, _ in .silence }
    let endpoint = "http://127.0.0.1:\(server.port)"
    let impatient = try await client(endpoint, requestTimeout: .milliseconds(400))
    let failure = try failure(await impatient.registerCertificateWithoutCA(call))
    #expect(failure.mayHaveTakenEffect && failure.error.reason == "request_timeout")
    await server.nextRequest()
    let patient = try await client(endpoint)
    let task = Task { await patient.registerCertificateWithoutCA(call) }
    await server.nextRequest()
    task.cancel()
    #expect(try self.failure(await task.value).mayHaveTakenEffect)
    await impatient.shutdown()
    await patient.shutdown()
    try await server.stop()
  }

  @Test func `a client that shuts down finishes its calls and begins no new ones`() async throws {
    let server = try await LoopbackServer.start { _, _ in
      CannedReply(body: Self.success, ending: .held)
    }
    let client = try await client("http://127.0.0.1:\(server.port)")
    let reply = Task { await client.registerCertificateWithoutCA(call) }
    await server.nextRequest()
    let shutdown = Task { await client.shutdown() }
    while !client.callsUnderWay.isClosed { await Task.yield() }
    let late = try failure(await client.registerCertificateWithoutCA(call))
    #expect(!late.mayHaveTakenEffect && late.error.reason == "shutting_down")
    server.release()
    #expect(await reply.value == .registered(certificateARN: Self.arn, requestID: nil))
    await shutdown.value
    #expect(server.requests.count == 1)
    try await server.stop()
  }
}
