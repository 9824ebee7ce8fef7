import CertRegCore
import NIOCore
import NIOHTTP1
import NIOPosix
import NIOSSL
import Testing

@testable import CertRegForwarder

@Suite struct TransportErrorTests {
  @Test(arguments: [
    ("iot-fips.eu-central-1.amazonaws.com", true), ("sts-fips.eu-west-1.api.aws", true),
    ("iot.eu-central-1.amazonaws.com", false), ("my-fips-host.example.com", false),
  ])
  func `a FIPS host without an address says where AWS has some`(host: String, isFIPS: Bool) {
    let failure = TransportError(.nameResolution, "the host name cannot be resolved")
    #expect(failure.detail(at: host).contains("`fips` to false") == isFIPS)
    let other = TransportError(.connectionRefused, "the connection was refused")
    #expect(other.detail(at: host) == other.detail)
    let upstream = UpstreamFailure(failure, authority: host, secrets: SecretMask())
    #expect(upstream.error.message.contains("`fips` to false") == isFIPS)
  }

  @Test(arguments: [false, true])
  func `the client's certificate is named only if it shows one`(shows: Bool) async throws {
    let identity = try IssuedIdentity(keyArguments: ["-newkey", "rsa:2048"], commonName: "localhost")
    defer { identity.remove() }
    var tls = TLSConfiguration.makeServerConfiguration(
      certificateChain: try NIOSSLCertificate.fromPEMFile(identity.certificateFile).map { .certificate($0) },
      privateKey: .privateKey(try NIOSSLPrivateKey(file: identity.keyFile, format: .pem)))
    tls.maximumTLSVersion = .tlsv11
    let server = try await LoopbackServer.start(tls: NIOSSLContext(configuration: tls)) { _, _ in .silence }
    var options = TransportOptions()
    if shows { options.clientIdentity = (identity.certificateFile, identity.keyFile) }
    let transport = try HTTPTransport(options: options, eventLoopGroup: MultiThreadedEventLoopGroup.singleton)
    let error = await #expect(throws: TransportError.self) {
      try await transport.send(.GET, "https://localhost:\(server.port)/", deadline: .now() + .seconds(20))
    }
    #expect(error?.kind == .tlsFailure)
    #expect(
      error?.detail == "the server ended the TLS handshake"
        + (shows ? "; it may not accept the client's certificate" : ""))
    await transport.shutdown()
    try await server.stop()
  }

  @Test func `a server of another name and one without TLS are said to be that`() async throws {
    let identity = try IssuedIdentity(keyArguments: ["-newkey", "rsa:2048"], commonName: "another.example.com")
    defer { identity.remove() }
    let tls = TLSConfiguration.makeServerConfiguration(
      certificateChain: try NIOSSLCertificate.fromPEMFile(identity.certificateFile).map { .certificate($0) },
      privateKey: .privateKey(try NIOSSLPrivateKey(file: identity.keyFile, format: .pem)))
    var options = TransportOptions()
    options.authoritiesFile = identity.certificateFile
    let secure = try await LoopbackServer.start(tls: NIOSSLContext(configuration: tls)) { _, _ in .silence }
    let plain = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
      .childChannelInitializer { channel in
        channel.eventLoop.makeCompletedFuture { try channel.pipeline.syncOperations.addHandler(PlainAnswer()) }
      }
      .bind(host: "127.0.0.1", port: 0).get()
    let cases = [(secure.port, "for another host name"), (plain.localAddress?.port ?? 0, "does not speak TLS")]
    for (port, words) in cases {
      let transport = try HTTPTransport(options: options, eventLoopGroup: MultiThreadedEventLoopGroup.singleton)
      let error = await #expect(throws: TransportError.self) {
        try await transport.send(.GET, "https://localhost:\(port)/", deadline: .now() + .seconds(20))
      }
      #expect(error?.kind == .tlsFailure && error?.detail.contains(words) == true, "\(String(describing: error))")
      await transport.shutdown()
    }
    try await plain.close()
    try await secure.stop()
  }

  /// Answers whatever comes as an HTTP server does that expected a request.
  private final class PlainAnswer: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
      context.writeAndFlush(wrapOutboundOut(ByteBuffer(string: "HTTP/1.1 400 Bad Request\r\n\r\n")), promise: nil)
    }
  }

  /// If TLS fails after the request was sent, the upstream may have acted on the request. Only before that is it
  /// certain that a certificate was not registered.
  @Test(arguments: [true, false])
  func `a failure of TLS after the request was sent is a failure of the connection`(trusted: Bool) async throws {
    let identity = try IssuedIdentity(keyArguments: ["-newkey", "rsa:2048"], commonName: "localhost")
    defer { identity.remove() }
    let tls = TLSConfiguration.makeServerConfiguration(
      certificateChain: try NIOSSLCertificate.fromPEMFile(identity.certificateFile).map { .certificate($0) },
      privateKey: .privateKey(try NIOSSLPrivateKey(file: identity.keyFile, format: .pem)))
    let server = try await LoopbackServer.start(tls: NIOSSLContext(configuration: tls)) { _, _ in
      CannedReply(ending: .breakTLS)
    }
    var options = TransportOptions()
    if trusted { options.authoritiesFile = identity.certificateFile }
    let transport = try HTTPTransport(options: options, eventLoopGroup: MultiThreadedEventLoopGroup.singleton)
    let url = "https://localhost:\(server.port)/"
    let error = await #expect(throws: TransportError.self) {
      try await transport.send(.POST, url, body: [1], deadline: .now() + .seconds(20))
    }
    #expect(error?.kind == (trusted ? .connectionLost : .tlsFailure))
    #expect(server.requests.count == (trusted ? 1 : 0))
    await transport.shutdown()
    try await server.stop()
  }
}
