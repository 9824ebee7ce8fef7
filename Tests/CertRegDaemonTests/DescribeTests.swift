import CertRegClock
import CertRegCore
import CertRegForwarder
import CertRegTesting
import Testing

@testable import CertRegDaemon

/// The operation `describe`, with an upstream whose answers the test chooses.
@Suite struct DescribeTests {
  private let pem: String

  init() throws {
    pem = try ServiceUnderTest.issueCertificate().split(separator: "\n").joined(separator: "\\n")
  }

  private func line(_ operation: String, _ members: String = "") -> String {
    #"{"id":1,"op":"\#(operation)","certificatePem":"\#(pem)"\#(members)}"#
  }

  private func told(_ answer: [String: any Sendable]) -> [String: String] {
    (answer["error"] as? [String: any Sendable] ?? answer).compactMapValues { $0 as? String }
  }

  /// Sends one request after the other, and returns the answers.
  private func answers(
    _ certificates: [Result<UpstreamCertificate, UpstreamFailure>], to lines: [String]
  ) async throws -> [[String: any Sendable]] {
    let service = try await ServiceUnderTest(.direct, replies: [], certificates: certificates)
    var answers: [[String: any Sendable]] = []
    for line in lines { answers.append(try await service.ask(line)) }
    await service.stop()
    return answers
  }

  private func failure(
    _ kind: ServiceError.Kind, _ reason: Reason, _ disposition: UpstreamFailure.Disposition = .final
  ) -> UpstreamFailure {
    UpstreamFailure(
      error: ServiceError(kind, reason: reason, message: "x", origin: .upstream, requestID: "r"),
      disposition: disposition)
  }

  @Test func `answers with all that the upstream says`() async throws {
    let start = WallTime(secondsSinceEpoch: 0)
    let certificate = UpstreamCertificate(
      certificateARN: "arn:x", status: .active, mode: "SNI_ONLY", createdAt: start,
      validity: .init(notBefore: start, notAfter: WallTime(secondsSinceEpoch: 1)), things: ["a", "b"], policies: [])
    let answer = try await answers([.success(certificate)], to: [line("describe")])[0]
    #expect(told(answer)["certificateArn"] == "arn:x" && told(answer)["status"] == "ACTIVE")
    #expect(told(answer)["certificateMode"] == "SNI_ONLY" && told(answer)["target"] == "default")
    #expect(told(answer)["createdAt"] == "1970-01-01T00:00:00.000Z")
    let validity = answer["validity"] as? [String: any Sendable]
    #expect(validity?["notAfter"] as? String == "1970-01-01T00:00:01.000Z")
    #expect(answer["things"] as? [String] == ["a", "b"] && (answer["policies"] as? [any Sendable])?.isEmpty == true)
  }

  @Test func `leaves out what the upstream does not tell`() async throws {
    let certificate = UpstreamCertificate(certificateARN: "arn:x", status: .active)
    let answer = try await answers([.success(certificate)], to: [line("describe")])[0]
    #expect(Set(answer.keys) == ["id", "certificateId", "certificateArn", "target", "status"])
  }

  @Test func `another status of the upstream becomes the known one`() async throws {
    let certificate = UpstreamCertificate(certificateARN: "arn:x", status: .active)
    let answers = try await answers(
      [.success(certificate)],
      to: [
        line("register"), line("describe"), line("lookup"), line("register", #","status":"ACTIVE""#), line("register"),
      ])
    #expect(answers.map { told($0)["status"] } == ["INACTIVE", "ACTIVE", "ACTIVE", "ACTIVE", "ACTIVE"])
    #expect(answers[3]["cached"] as? Bool == true && told(answers[2])["outcome"] == "created")
    #expect(answers[2]["requestedBy"] != nil)
  }

  @Test func `what was asked for stays known until the status is set`() async throws {
    func found(_ status: CertificateStatus) -> Result<UpstreamCertificate, UpstreamFailure> {
      .success(UpstreamCertificate(certificateARN: "arn:x", status: status))
    }
    func asked(_ answer: [String: any Sendable]) -> String? {
      (answer["asked"] as? [String: any Sendable])?["status"] as? String
    }
    let active = #","status":"ACTIVE""#
    let answers = try await answers(
      [found(.inactive), found(.inactive), found(.revoked), found(.active), found(.inactive)],
      to: [
        line("register", active), line("describe"), line("describe"), line("lookup"), line("describe"), line("lookup"),
        line("describe"), line("lookup"), line("describe"), line("update", active), line("lookup"),
      ])
    #expect(asked(answers[3]) == "ACTIVE" && told(answers[3])["status"] == "INACTIVE")
    #expect(asked(answers[5]) == "ACTIVE" && told(answers[5])["status"] == "REVOKED")
    // It is as it should be again.
    #expect(answers[7]["asked"] == nil && told(answers[7])["status"] == "ACTIVE")
    #expect(told(answers[9])["outcome"] == "updated" && answers[10]["asked"] == nil)
  }

  @Test func `a certificate that the upstream does not have is forgotten`() async throws {
    let answers = try await answers(
      [.failure(failure(.resourceNotFound, .certificateNotFound))],
      to: [line("register"), line("describe"), line("lookup"), line("register")])
    #expect(told(answers[1])["type"] == "ResourceNotFoundException")
    #expect(told(answers[1])["reason"] == "certificate_not_found" && told(answers[1])["requestId"] == "r")
    #expect(told(answers[2])["reason"] == "not_found")
    #expect(told(answers[3])["outcome"] == "created" && answers[3]["cached"] as? Bool == false)
  }

  @Test(arguments: [nil, "INACTIVE", "REVOKED"])
  func `what changes while the upstream is asked is newer than its answer`(_ status: String?) async throws {
    let old = UpstreamCertificate(certificateARN: "arn:x", status: .active)
    let answer: Result<UpstreamCertificate, UpstreamFailure> =
      status == nil ? .failure(failure(.resourceNotFound, .certificateNotFound)) : .success(old)
    let service = try await ServiceUnderTest(.direct, replies: [], certificates: [answer])
    if status != nil { _ = try await service.ask(line("register")) }
    let change = status.map { line("update", #","status":"\#($0)""#) } ?? line("register")
    service.whileDescribing { _ = try? await service.ask(change) }
    #expect(told(try await service.ask(line("describe")))["status"] == (status == nil ? nil : "ACTIVE"))
    #expect(told(try await service.ask(line("lookup")))["status"] == status ?? "INACTIVE")
    service.whileDescribing {}
    await service.stop()
  }

  @Test func `more than 64 at once are refused`() async throws {
    let service = try await ServiceUnderTest(.direct, replies: [])
    let patient = line("describe", #","timeoutMs":300000"#)
    let (arrivals, arrival) = AsyncStream<Void>.makeStream()
    service.whileDescribing { arrival.yield() }
    let waiting = Task {
      await withTaskGroup { group in
        for _ in 0..<64 { group.addTask { _ = try? await service.ask(patient) } }
      }
    }
    var count = 0
    for await _ in arrivals {
      count += 1
      if count == 64 { break }
    }
    #expect(told(try await service.ask(line("describe")))["reason"] == "too_many_describes")
    await service.stop()
    await waiting.value
  }

  @Test func `takes the turns that calls after registrations take, and holds them when it is throttled`() async throws {
    let service = try await ServiceUnderTest(
      .direct, replies: [],
      certificates: [.failure(failure(.throttling, "throttled_by_upstream", .throttled(retryAfter: .seconds(900))))])
    #expect(told(try await service.ask(line("describe")))["reason"] == "throttled_by_upstream")
    let now = HostClock.system.monotonic
    #expect(service.describeTurns.take(now: now, deadline: now + .seconds(600)) == nil)
    // There is no other answer: it is refused without a call.
    service.whileDescribing { Issue.record("a call without a turn") }
    #expect(told(try await service.ask(line("describe", #","timeoutMs":300000"#)))["reason"] == "deadline_exceeded")
    await service.stop()
  }

  @Test func `a failure is passed on, and what is known stays`() async throws {
    let answers = try await answers(
      [
        .failure(failure(.throttling, "throttled_by_upstream", .throttled(retryAfter: .zero))),
        .failure(failure(.unauthorized, "access_denied", .identity)),
      ], to: [line("register"), line("describe"), line("describe"), line("lookup")])
    #expect(told(answers[1])["reason"] == "throttled_by_upstream")
    #expect((answers[1]["error"] as? [String: any Sendable])?["retryAfterMs"] as? Int == 1000)
    #expect(told(answers[2])["reason"] == "access_denied" && told(answers[3])["status"] == "INACTIVE")
  }

  @Test func `an upstream that does not answer costs the caller its time and no more`() async throws {
    let answers = try await answers([], to: [line("describe", #","timeoutMs":1"#), line("lookup")])
    #expect(told(answers[0])["reason"] == "deadline_exceeded" && told(answers[0])["origin"] == "daemon")
    #expect(told(answers[1])["reason"] == "not_found")
  }

  @Test func `a drain waits for the answer of the upstream, and refuses further requests`() async throws {
    let certificate = UpstreamCertificate(certificateARN: "arn:x", status: .active)
    let service = try await ServiceUnderTest(.direct, replies: [], certificates: [.success(certificate)])
    let (arrivals, arrival) = AsyncStream<Void>.makeStream()
    let (releases, release) = AsyncStream<Void>.makeStream()
    service.whileDescribing {
      arrival.yield()
      for await _ in releases { return }
    }
    async let described = service.ask(line("describe"))
    for await _ in arrivals { break }
    async let drained: Void = service.descriptions.drain(limit: .seconds(600))
    // Refused once the drain has begun; the upstream has no further answer, and the caller no time for one.
    while told(try await service.ask(line("describe", #","timeoutMs":1"#)))["reason"] != "draining" {}
    release.yield()
    #expect(told(try await described)["status"] == "ACTIVE")
    await drained
    await service.stop()
  }

  @Test func `a drain refuses what still waits when its time is over`() async throws {
    let service = try await ServiceUnderTest(.direct, replies: [])
    let (arrivals, arrival) = AsyncStream<Void>.makeStream()
    service.whileDescribing { arrival.yield() }
    async let first = service.ask(line("describe", #","timeoutMs":300000"#))
    async let second = service.ask(line("describe", #","timeoutMs":300000"#))
    var count = 0
    for await _ in arrivals {
      count += 1
      if count == 2 { break }
    }
    await service.descriptions.drain(limit: .zero)
    for answer in [try await first, try await second] { #expect(told(answer)["reason"] == "draining") }
    await service.stop()
  }

  @Test func `an unknown target is refused`() async throws {
    let answers = try await answers([], to: [line("describe", #","target":"other""#)])
    #expect(told(answers[0])["reason"] == "unknown_target")
  }
}
