import CertRegCore
import CertRegCrypto
import NIOHTTP1
import Synchronization
import Testing

@testable import CertRegForwarder

/// Credentials that end repeatedly while calls are made. No call may fail because of it.
@Suite struct ExpiryUnderLoadTests {
  private static let der = Array("a certificate".utf8)
  private static let id = SHA256.digest(of: der)

  /// A clock that advances with each request that reaches a server, so that the test takes no time.
  private final class RequestClock: Sendable {
    private let milliseconds = Atomic<Int64>(1_800_000_000_000)
    let refusals = Atomic<Int>(0)

    var now: WallTime { WallTime(millisecondsSinceEpoch: milliseconds.load(ordering: .relaxed)) }

    func advance(_ duration: Duration) {
      milliseconds.add(duration.milliseconds, ordering: .relaxed)
    }

    var hostClock: HostClock {
      HostClock(
        monotonic: { MonotonicTime(nanoseconds: self.now.millisecondsSinceEpoch * 1_000_000) },
        wall: { self.now })
    }
  }

  @Test func `the end of credentials costs no request`() async throws {
    let clock = RequestClock()
    // The text of an access key contains its end, so that the upstream knows it.
    let source = try await LoopbackServer.start { _, _ in
      let end = clock.now + .seconds(60)
      return .json(
        200,
        #"""
        {"AccessKeyId":"AKID\#(end.millisecondsSinceEpoch)","SecretAccessKey":"s","Token":"t","Expiration":"\#(end.rfc3339)"}
        """#)
    }
    let upstream = try await LoopbackServer.start { request, _ in
      clock.advance(.seconds(1))
      let key = request.headers.first(name: "Authorization")?.split(separator: "AKID").last?.prefix { $0.isNumber }
      guard let end = key.flatMap({ Int64($0) }), end > clock.now.millisecondsSinceEpoch else {
        clock.refusals.add(1, ordering: .relaxed)
        return .json(403, #"{"message":"expired"}"#, [("x-amzn-ErrorType", "ExpiredTokenException")])
      }
      return .json(
        200,
        #"{"certificateArn":"arn:aws:iot:eu-west-1:123456789012:cert/\#(Self.id.hex)","certificateId":"\#(Self.id.hex)"}"#
      )
    }
    var configuration = TargetConfiguration(name: TargetName("test"))
    configuration.region = "eu-west-1"
    configuration.endpoint = "http://127.0.0.1:\(upstream.port)"
    configuration.credentials = .container(uri: "http://127.0.0.1:\(source.port)/")
    let client = try await AWSUpstreamClient(
      configuration: configuration, context: .onHost(clock: clock.hostClock))
    var replies: [UpstreamReply] = []
    // In rounds: while one call is delayed, at most the others of its round advance the clock.
    for _ in 0..<50 {
      replies += await withTaskGroup(of: UpstreamReply.self) { group in
        for _ in 0..<8 {
          group.addTask {
            await client.registerCertificateWithoutCA(
              RegisterCertificateCall(certificateID: Self.id, der: Self.der, status: .active))
          }
        }
        return await group.reduce(into: []) { $0.append($1) }
      }
    }
    await client.shutdown()
    #expect(replies.count == 400)
    for reply in replies {
      guard case .registered = reply else {
        Issue.record("a call failed: \(reply)")
        continue
      }
    }
    // At least 400 seconds by the clock, and every set of credentials lives for 60.
    #expect(source.requests.count >= 6)
    #expect(clock.refusals.load(ordering: .relaxed) < 100)
    try await source.stop()
    try await upstream.stop()
  }
}
