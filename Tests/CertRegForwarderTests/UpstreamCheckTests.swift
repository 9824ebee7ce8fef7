import CertRegCore
import CertRegTesting
import NIOHTTP1
import Testing

@testable import CertRegForwarder

/// The requests of `certregd --check-upstream`, and its reading of the answers.
@Suite struct UpstreamCheckTests {
  private static let keys = ["AWS_ACCESS_KEY_ID": "AKID", "AWS_SECRET_ACCESS_KEY": "the-secret"]
  private static let identity =
    "<GetCallerIdentityResponse><GetCallerIdentityResult><Arn>arn:aws:iam::1:user/station</Arn>"
    + "</GetCallerIdentityResult></GetCallerIdentityResponse>"
  /// 2026-11-24T09:00:00Z.
  private static let now = CivilTime.wallTime(year: 2026, month: 11, day: 24, hour: 9, minute: 0, second: 0)
  private static let clock = HostClock(monotonic: { MonotonicTime(nanoseconds: 0) }, wall: { now })

  private func check(
    registration: CannedReply, environment: [String: String] = keys,
    configure: (inout TargetConfiguration) -> Void = { _ in }
  ) async throws -> (check: UpstreamCheck, requests: [ReceivedRequest]) {
    let server = try await LoopbackServer.start { request, _ in
      switch (request.method, request.uri) {
      case ("GET", "/"): .json(403, "{}", [("Date", "Tue, 24 Nov 2026 10:00:00 GMT")])
      case ("POST", "/"): CannedReply(body: UpstreamCheckTests.identity)
      default: registration
      }
    }
    var configuration = TargetConfiguration(name: TargetName("default"))
    configuration.region = "eu-west-1"
    configure(&configuration)
    let url = "http://127.0.0.1:\(server.port)"
    let context = CredentialsContext.onHost(
      environment.merging(["AWS_ENDPOINT_URL": url]) { own, _ in own }, clock: Self.clock)
    let check = try await context.check(configuration)
    try await server.stop()
    return (check, server.requests)
  }

  private func refusal(_ type: String, _ status: Int) -> CannedReply {
    .json(status, #"{"message":"as the test has it"}"#, [("x-amzn-ErrorType", type)])
  }

  @Test func `reports the clock, the identity and the permission without registering`() async throws {
    let (check, requests) = try await check(registration: refusal("CertificateValidationException", 400))
    #expect(check.unreachable == nil && check.refused == nil)
    #expect(check.clockDifference == .seconds(3600))
    #expect(check.identity == "arn:aws:iam::1:user/station")
    #expect(check.credentials?.source == "environment variables")
    let registration = try #require(requests.first { $0.uri == "/certificate/register-no-ca" })
    #expect(!registration.body.contains("MII"))
    let question = try #require(requests.first { $0.method == "POST" && $0.uri == "/" })
    #expect(question.body == "Action=GetCallerIdentity&Version=2011-06-15")
    #expect(question.headers.first(name: "Authorization")?.contains("/eu-west-1/sts/aws4_request") == true)
    // The request that tests the connection is not signed.
    #expect(requests.first { $0.method == "GET" }?.headers.contains(name: "Authorization") == false)
  }

  @Test(arguments: [
    ("AccessDeniedException", 403, "access_denied"), ("ExpiredTokenException", 403, "expired_token"),
    ("ThrottlingException", 429, "throttled_by_upstream"),
  ])
  func `reports why registrations would be refused`(type: String, status: Int, reason: String) async throws {
    let (check, _) = try await check(registration: refusal(type, status))
    #expect(check.refused?.reason.rawValue == reason)
    #expect(check.unreachable == nil)
  }

  @Test func `a source of credentials may take longer than a call`() async throws {
    let json = #"{"Version":1,"AccessKeyId":"SLOW","SecretAccessKey":"s"}"#
    let (check, _) = try await check(
      registration: refusal("CertificateValidationException", 400), environment: ["PATH": "/usr/bin:/bin"]
    ) { configuration in
      let script = "sleep 4; echo '\(json.replacing("\"", with: "\\\""))'"
      configuration.credentials = .process(command: "/bin/sh -c \"\(script)\"")
      configuration.requestTimeout = .seconds(3)
    }
    #expect(check.refused == nil && check.credentials != nil)
  }

  @Test func `reports on the connection even without credentials`() async throws {
    let environment = ["AWS_ENDPOINT_URL": "http://127.0.0.1:1", "AWS_SHARED_CREDENTIALS_FILE": "/dev/null"]
    let (check, _) = try await check(registration: .silence, environment: environment)
    #expect(check.unreachable?.reason == "connection_refused")
    #expect(check.refused?.reason == "no_credentials")
    #expect(check.identity == nil)
  }
}
