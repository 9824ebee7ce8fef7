import CertRegCodec
import CertRegCore
import CertRegTesting
import Foundation
import Synchronization
import Testing

@testable import CertRegClient

/// Batches keep to the rate of an access rule, and fail no request because of it.
@Suite struct CallerRateTests {
  private static let refusal = [
    ("type", JSON.string("ThrottlingException")), ("reason", .string("caller_rate_exceeded")),
    ("message", .string("more than 5.0 requests a second")), ("retryable", .bool(true)),
    ("retryAfterMs", .integer(2)),
  ]

  private static func refused(_ request: JSON) -> JSON {
    JSON.answer(to: request, [("error", .object(refusal.map { JSON.Member($0.0, $0.1) }))])
  }

  /// A daemon that allows one request of this many, `status` included.
  private func daemon(allowing one: Int, _ answer: @escaping @Sendable (JSON) -> JSON) throws -> FakeDaemon {
    let count = Mutex(0)
    return try FakeDaemon(
      status: nil,
      answering: { request in
        let number = count.withLock { count in
          count += 1
          return count
        }
        guard number.isMultiple(of: one) else { return CallerRateTests.refused(request) }
        return request["op"]?.string == "status" ? JSON.answer(to: request, FakeDaemon.status) : answer(request)
      })
  }

  @Test func `an import fails no entry that the daemon refuses more than ten times`() throws {
    let folder = try TemporaryFolder()
    let daemon = try daemon(allowing: 30) { Batch.registered($0) }
    let capture = Capture()
    let status = Batch.verb(try Batch.write(folder, 20), folder.path("r.csv")).run(
      Session(socketPath: daemon.path, console: capture.console()))
    #expect(status == .success)
    #expect(try ReportRows(folder.path("r.csv")).outcomes == ["created": 20])
    #expect(capture.errors.components(separatedBy: "access rules limit").count == 2)
  }

  @Test func `register, activate, lookup and verify fail nothing that the daemon refuses`() throws {
    let folder = try TemporaryFolder()
    let files = try (0..<20).map { try folder.write("\($0).pem", Sample.certificatePEM(UInt8($0))) }
    let daemon = try daemon(allowing: 15) { request in
      switch request["op"]?.string {
      case "update": JSON.answer(to: request, [("outcome", .string("updated"))])
      case "lookup": JSON.answer(to: request, [("state", .string("registered")), ("status", .string("ACTIVE"))])
      case "describe": JSON.answer(to: request, [("status", .string("ACTIVE"))])
      default: Batch.registered(request)
      }
    }
    let verbs: [(Session) -> CommandStatus] = [
      { RegisterVerb(paths: files).run($0) }, { UpdateVerb(subjects: files, status: .active).run($0) },
      { LookupVerb(subjects: files).run($0) }, { VerifyVerb(subjects: files).run($0) },
    ]
    for (index, verb) in verbs.enumerated() {
      let capture = Capture()
      #expect(verb(Session(socketPath: daemon.path, console: capture.console())) == .success, "verb \(index)")
      #expect(!capture.output.contains("caller_rate_exceeded"))
    }
  }

  @Test func `what the rate refuses when the connection ends is sent again`() throws {
    let folder = try TemporaryFolder()
    let files = try (0..<20).map { try folder.write("\($0).pem", Sample.certificatePEM(UInt8($0))) }
    let count = Mutex(0)
    let daemon = try FakeDaemon { peer in
      while let request = peer.readLine() {
        let number = count.withLock { count in
          count += 1
          return count
        }
        if number == 25 { return }
        let answer = number.isMultiple(of: 3) ? Batch.registered(request) : CallerRateTests.refused(request)
        peer.write(answer.serialized() + "\n")
      }
    }
    let capture = Capture()
    let status = RegisterVerb(paths: files).run(Session(socketPath: daemon.path, console: capture.console()))
    #expect(status == .success)
    #expect(capture.outputLines.filter { $0.hasPrefix("created") }.count == 20)
  }

  @Test func `an ARN is compared although the daemon refuses the first look-ups`() throws {
    let other = Sample.arn.replacing("123456789012", with: "210987654321")
    let daemon = try daemon(allowing: 4) { request in
      JSON.answer(
        to: request,
        [("state", .string("registered")), ("outcome", .string("updated")), ("certificateArn", .string(other))])
    }
    let capture = Capture()
    let status = UpdateVerb(subjects: [Sample.arn], status: .revoked).run(
      Session(socketPath: daemon.path, console: capture.console()))
    #expect(status == .dataError && capture.output.contains("arn_differs"))
  }

  @Test func `a batch takes the time of the rate, and asks little more than that`() {
    var random = SplitMix64.announced("rates of access rules")
    for _ in 0..<200 {
      let perSecond = Double(Int.random(in: 1...200, using: &random))
      var bucket = TokenBucket(perSecond: perSecond, burst: max(1, perSecond))
      var rate = CallerRate()
      var now = MonotonicTime(nanoseconds: Int64.random(in: 1...1_000_000_000, using: &random))
      let start = now
      let total = Int.random(in: 1...400, using: &random)
      var allowed = 0
      var sent = 0
      // The answers to refused requests come after others were sent.
      var refusals: [Double] = []
      while allowed < total {
        if let time = rate.pause(now: now) { now = time }
        sent += 1
        rate.requestSent(now: now)
        if let wait = bucket.take(now: now) { refusals.append(wait) } else { allowed += 1; rate.requestAllowed() }
        if refusals.count >= (rate.isLimited ? 1 : 64) || refusals.count > 0 && sent > total {
          for wait in refusals { rate.requestRefused(.milliseconds(Int64(wait * 1000) + 1), now: now) }
          refusals = []
        }
        now = now + .microseconds(50)
      }
      let seconds = Double((now - start).nanoseconds) / 1e9
      let least = max(0, Double(total) - max(1, perSecond)) / perSecond
      #expect(seconds <= least * 1.25 + 0.5, "\(perSecond) a second, \(total) requests")
      #expect(sent <= total * 3 + 130, "\(perSecond) a second, \(total) requests")
    }
  }
}
