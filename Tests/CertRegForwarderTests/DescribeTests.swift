import CertRegCore
import CertRegCrypto
import CertRegTesting
import NIOHTTP1
import Testing

@testable import CertRegForwarder

/// The requests of `describe` on the wire, and what is made of their replies.
@Suite struct DescribeTests {
  private static let id = SHA256.digest(of: Array("a certificate".utf8))
  private static let arn = "arn:aws:iot:eu-central-1:123456789012:cert/\(id.hex)"
  private static let description = CannedReply.json(
    200,
    #"{"certificateDescription":{"certificateArn":"\#(arn)","status":"ACTIVE","certificateMode":"SNI_ONLY","#
      + #""creationDate":1700000000.5,"validity":{"notBefore":0,"notAfter":1.0E1}}}"#)
  private static let denied = CannedReply.json(
    403, #"{"message":"no"}"#, [("x-amzn-ErrorType", "AccessDeniedException"), ("x-amzn-RequestId", "r")])

  /// What a client makes of a server's replies.
  private func describe(
    answer: @escaping LoopbackServer.Answer
  ) async throws -> (result: Result<UpstreamCertificate, UpstreamFailure>, requests: [ReceivedRequest]) {
    try await withUpstreamClient(answer: answer) { client, server in
      let result: Result<UpstreamCertificate, UpstreamFailure>
      do throws(UpstreamFailure) { result = .success(try await client.describe(Self.id)) } catch {
        result = .failure(error)
      }
      return (result, server.requests)
    }
  }

  @Test func `asks for the certificate and for all pages of its things and policies, signed`() async throws {
    let (result, requests) = try await describe { request, _ in
      switch request.uri {
      case "/principals/things?maxResults=100": .json(200, #"{"things":["a","b"],"nextToken":"t+/="}"#)
      case "/principals/things?maxResults=100&nextToken=t%2B%2F%3D": .json(200, #"{"things":["c"],"nextToken":null}"#)
      case let uri where uri.hasSuffix("?pageSize=100"):
        .json(200, #"{"policies":[{"policyName":"p","policyArn":"x"}],"nextMarker":"m"}"#)
      case let uri where uri.hasSuffix("?pageSize=100&marker=m"): .json(200, #"{"policies":[]}"#)
      default: Self.description
      }
    }
    let expected = UpstreamCertificate(
      certificateARN: Self.arn, status: .active, mode: "SNI_ONLY",
      createdAt: WallTime(millisecondsSinceEpoch: 1_700_000_000_500),
      validity: .init(notBefore: WallTime(secondsSinceEpoch: 0), notAfter: WallTime(secondsSinceEpoch: 10)),
      things: ["a", "b", "c"], policies: ["p"])
    #expect(result == .success(expected))
    #expect(requests.map(\.method) == ["GET", "GET", "GET", "POST", "POST"])
    #expect(requests[0].uri == "/certificates/\(Self.id.hex)")
    #expect(requests[1].headers["x-amzn-principal"] == [Self.arn])
    let target = "arn%3Aaws%3Aiot%3Aeu-central-1%3A123456789012%3Acert%2F\(Self.id.hex)"
    #expect(requests[3].uri == "/attached-policies/\(target)?pageSize=100")
    for request in requests { #expect(try signatureHolds(request)) }
    #expect(requests[1].headers["Authorization"].first?.contains("x-amzn-principal") == true)
  }

  @Test func `descriptions without a reply keep no registration waiting for a connection`() async throws {
    let registered = CannedReply.json(200, #"{"certificateArn":"\#(Self.arn)","certificateId":"\#(Self.id.hex)"}"#)
    try await withUpstreamClient(
      configure: { ($0.maxConcurrent, $0.connectTimeout) = (1, .seconds(60)) }
    ) { request, _ in
      request.method == "GET" ? .silence : registered
    } _: { client, server in
      await withTaskGroup(of: Void.self) { group in
        for _ in 0..<AWSUpstreamClient.mostDescriptions {
          group.addTask { _ = try? await client.describe(Self.id) }
          await server.nextRequest()
        }
        let reply = await client.registerCertificateWithoutCA(
          RegisterCertificateCall(certificateID: Self.id, der: [], status: nil))
        #expect(reply == .registered(certificateARN: Self.arn, requestID: nil))
        group.cancelAll()
      }
    }
  }

  @Test func `lists that the identity may not see are left out`() async throws {
    let (result, requests) = try await describe { request, _ in
      request.uri.hasPrefix("/certificates/") ? Self.description : Self.denied
    }
    let certificate = try result.get()
    #expect(certificate.things == nil && certificate.policies == nil && certificate.status == .active)
    #expect(requests.count == 3)
  }

  @Test func `a list without an end is left after ten pages`() async throws {
    let (result, requests) = try await describe { request, _ in
      switch request.uri.prefix(5) {
      case "/prin": .json(200, #"{"things":["a"],"nextToken":"again"}"#)
      case "/atta": .json(200, #"{"policies":[]}"#)
      default: Self.description
      }
    }
    #expect(try result.get().things?.count == 10 && requests.count == 12)
  }

  @Test(arguments: [
    (404, "ResourceNotFoundException", "certificate_not_found"), (403, "AccessDeniedException", "access_denied"),
    (400, "ThrottlingException", "throttled_by_upstream"),
    (503, "ServiceUnavailableException", "upstream_unavailable"),
  ])
  func `the failure of DescribeCertificate is that of the whole`(status: Int, type: String, reason: String) async throws
  {
    let (result, requests) = try await describe { _, _ in
      .json(status, #"{"message":"no"}"#, [("x-amzn-ErrorType", type), ("x-amzn-RequestId", "r")])
    }
    guard case .failure(let failure) = result else {
      Issue.record("no failure")
      return
    }
    #expect(failure.error.reason.rawValue == reason && requests.count == 1)
  }

  @Test(arguments: [
    #"{"certificateDescription":{"status":"ACTIVE"}}"#,
    #"{"certificateDescription":{"status":"ACTIVE","certificateArn":"arn:aws:iot:r:1:cert/00"}}"#,
    #"{"certificateDescription":{"status":"SOMETHING","certificateArn":"\#(arn)"}}"#, "[]", "no",
  ])
  func `a reply that makes no sense is a failure`(_ body: String) async throws {
    let (result, _) = try await describe { _, _ in .json(200, body, [("x-amzn-RequestId", "r")]) }
    guard case .failure(let failure) = result else {
      Issue.record("no failure")
      return
    }
    #expect(failure.error.reason == "upstream_garbled")
  }

  @Test(arguments: [#"{"things":["a b"]}"#, #"{"things":[1]}"#, #"{"things":[""]}"#, "{}"])
  func `names that AWS IoT does not give are a failure`(_ body: String) async throws {
    let (result, _) = try await describe { request, _ in
      request.uri.hasPrefix("/certificates/") ? Self.description : .json(200, body, [("x-amzn-RequestId", "r")])
    }
    guard case .failure(let failure) = result else {
      Issue.record("no failure")
      return
    }
    #expect(failure.error.reason == "upstream_garbled")
  }
}
