import CertRegCodec
import CertRegCore
import CertRegTesting
import Foundation
import Synchronization
import Testing

@testable import CertRegClient

/// One request that the daemon refuses costs no other its answer.
@Suite struct DeliveryTests {
  /// A daemon that closes the connection on these certificates, after `refusal` where there is one.
  private func daemon(closingOn bad: Set<String>, refusal: JSON? = nil, _ register: Register) throws -> FakeDaemon {
    try FakeDaemon { peer in
      while let request = peer.readLine() {
        _ = register.count(request)
        if bad.contains(request["certificatePem"]?.string ?? "") {
          if let refusal { peer.write(refusal.serialized() + "\n") }
          return
        }
        peer.write(Batch.registered(request).serialized() + "\n")
      }
    }
  }

  private static let tooLong = JSON.failure(
    .null, type: "InvalidRequestException", reason: "line_too_long", message: "longer than 65536 bytes")

  private func files(_ folder: TemporaryFolder, _ count: Int) throws -> [String] {
    try (0..<count).map { try folder.write(String(format: "%03d.pem", $0), Sample.certificatePEM(UInt8($0))) }
  }

  @Test(arguments: [0, 70, 149], [true, false])
  func `a certificate on which the daemon closes fails alone`(bad: Int, isExplained: Bool) throws {
    let folder = try TemporaryFolder()
    _ = try files(folder, 150)
    let register = Register()
    let daemon = try daemon(
      closingOn: [Sample.certificatePEM(UInt8(bad))], refusal: isExplained ? DeliveryTests.tooLong : nil, register)
    let capture = Capture()
    let status = RegisterVerb(paths: [folder.root]).run(Session(socketPath: daemon.path, console: capture.console()))
    #expect(status == (isExplained ? .dataError : .unavailable))
    let failed = capture.outputLines.filter { $0.hasPrefix("failed") }
    #expect(capture.outputLines.count == 150 && failed.count == 1)
    #expect(failed.first?.contains(String(format: "%03d.pem", bad)) == true)
    #expect(failed.first?.contains(isExplained ? "line_too_long: " : "no_answer: ") == true)
    #expect(register.certificates == 150)
  }

  @Test func `an import fails the entries on which the daemon closes, and ends`() throws {
    let folder = try TemporaryFolder()
    let source = try Batch.write(folder, 200)
    let register = Register()
    let bad = Set([5, 64, 65, 199].map { PEM.certificate(der: Sample.certificate($0)) })
    let daemon = try daemon(closingOn: bad, register)
    let status = Batch.verb(source, folder.path("r.csv")).run(
      Session(socketPath: daemon.path, console: Capture().console()))
    #expect(status == .unavailable)
    #expect(try ReportRows(folder.path("r.csv")).outcomes == ["created": 196, "failed": 4])
    #expect(Set(try Batch.entries(of: folder.path("r.failed.jsonl")).compactMap(pem)) == bad)
  }

  @Test func `an import gives a daemon up that answers nothing any more, and can be resumed`() throws {
    let folder = try TemporaryFolder()
    let source = try Batch.write(folder, 200)
    let isBroken = Mutex(false)
    let daemon = try FakeDaemon(status: nil) { peer in
      while let request = peer.readLine() {
        if request["op"]?.string == "status" {
          if isBroken.withLock({ $0 }) { return }
          peer.write(JSON.answer(to: request, FakeDaemon.status).serialized() + "\n")
          continue
        }
        isBroken.withLock { $0 = true }
        return
      }
    }
    let capture = Capture()
    let status = Batch.verb(source, folder.path("r.csv")).run(
      Session(socketPath: daemon.path, console: capture.console()))
    #expect(status == .unavailable)
    #expect(capture.errors.contains("certregd closed the connection"))
  }

  @Test(arguments: [1000, 65_536])
  func `measures the line as it is sent against the limit that the daemon tells`(limit: Int) throws {
    let folder = try TemporaryFolder()
    var status = FakeDaemon.status
    status[1].1 = .object([JSON.Member("maxLineBytes", .integer(limit))])
    let longest = Mutex(0)
    let daemon = try FakeDaemon(
      status: status,
      answering: { request in
        longest.withLock { $0 = max($0, request.serialized().utf8.count) }
        return Batch.registered(request)
      })
    // Each control character takes six bytes on the wire.
    let begin = "MIL//zCC/v+gAwIBAgIB" + String(repeating: "A", count: 44)
    let body = begin + String(repeating: "\u{1}", count: limit / 6)
    let input = folder.path("in")
    try folder.write("in/0.pem", "-----BEGIN CERTIFICATE-----\n\(body)\n-----END CERTIFICATE-----\n")
    let nearly = begin + String(repeating: "A", count: limit - 200 - begin.count)
    try folder.write("in/1.pem", "-----BEGIN CERTIFICATE-----\n\(nearly)\n-----END CERTIFICATE-----\n")
    let capture = Capture()
    let session = Session(socketPath: daemon.path, console: capture.console())
    #expect(RegisterVerb(paths: [input]).run(session) == .dataError)
    #expect(capture.outputLines.count == 2)
    #expect(capture.outputLines.first { $0.hasPrefix("failed") }?.contains("line_too_long: the request has ") == true)
    #expect(capture.outputLines.contains { $0.hasPrefix("created") })
    #expect((limit - 200...limit).contains(longest.withLock { $0 }))
    #expect(
      Batch.verb(input, folder.path("r.csv")).run(session) == .dataError)
    #expect(try ReportRows(folder.path("r.csv")).outcomes == ["created": 1, "failed": 1])
  }

  @Test func `a connection that the daemon refuses for good ends the batch at once`() throws {
    let folder = try TemporaryFolder()
    let refusal = JSON.failure(.null, type: "UnauthorizedException", reason: "peer_not_allowed", message: "no")
    let register = Register()
    let daemon = try daemon(closingOn: [Sample.certificatePEM(0)], refusal: refusal, register)
    let capture = Capture()
    let session = Session(socketPath: daemon.path, console: capture.console())
    #expect(RegisterVerb(paths: try files(folder, 3)).run(session) == .notPermitted)
    #expect(register.total == 1)
  }

  @Test func `a request without an answer runs out of time alone`() throws {
    let daemon = try FakeDaemon(answering: { $0["slow"] == nil ? JSON.created($0) : nil })
    let connection = try Connection(path: daemon.path)
    // Time passes with each look at the clock, once all the others have their answers.
    let readings = Mutex((passes: false, count: Int64(0)))
    let clock = HostClock(
      monotonic: {
        readings.withLock { readings in
          if readings.passes { readings.count += 1 }
          return MonotonicTime(nanoseconds: readings.count * 100_000_000)
        }
      }, wall: { WallTime(secondsSinceEpoch: 0) })
    var items = (0..<10).map { ($0, Request("lookup", $0 == 3 ? [("slow", .bool(true))] : [])) }
    var answered: [Int] = []
    var expired: [Int] = []
    let pipeline = Pipeline(
      connection, timeout: .seconds(1), tickInterval: .milliseconds(500), clock: clock)
    let end = pipeline.run(
      pulling: { items.isEmpty ? .end : .request(items[0].0, items.removeFirst().1) },
      answered: { item, _ in
        answered.append(item)
        if answered.count == 9 { readings.withLock { $0.passes = true } }
      },
      failed: { item, error in
        #expect(error.code == .timedOut)
        expired.append(item)
      },
      tick: { _ in true })
    #expect(end.failure == nil && expired.isEmpty == false)
    #expect(answered.sorted() == [0, 1, 2, 4, 5, 6, 7, 8, 9])
    #expect(expired == [3])
  }

  @Test func `a request that was sent later runs out of time later`() throws {
    // A fourth request ends a run in which the others do not run out of time.
    let daemon = try FakeDaemon { peer in for _ in 0..<4 { _ = peer.readLine() } }
    let connection = try Connection(path: daemon.path)
    let readings = Mutex(Int64(0))
    let clock = HostClock(
      monotonic: {
        readings.withLock { count in
          count += 1
          return MonotonicTime(nanoseconds: count * 100_000_000)
        }
      }, wall: { WallTime(secondsSinceEpoch: 0) })
    var turns = 0
    var sent = 0
    // The turns in which each request has failed.
    var expired: [Int: Int] = [:]
    let end = Pipeline(connection, timeout: .milliseconds(200), tickInterval: .milliseconds(20), clock: clock).run(
      pulling: { () -> Pull<Int> in
        if sent == 3, turns < 500 { return expired.count == 3 ? .end : .later }
        guard sent == 0 || turns > sent * 5 else { return .later }
        sent += 1
        return .request(sent, Request("lookup"))
      },
      answered: { item, _ in Issue.record("request \(item) was answered") },
      failed: { item, error in
        #expect(error.code == .timedOut)
        expired[item] = turns
      },
      tick: { _ in
        turns += 1
        return true
      })
    #expect(end.failure == nil && end.unanswered.isEmpty)
    let order = try (1...3).map { try #require(expired[$0]) }
    #expect(order == order.sorted() && Set(order).count == 3)
  }

  @Test func `time in which the results could not be written does not count`() throws {
    let daemon = try FakeDaemon(answering: { JSON.created($0) })
    let connection = try Connection(path: daemon.path)
    let clock = ManualClock()
    var left = 200
    var answered = 0
    let end = Pipeline(connection, timeout: .seconds(30), clock: clock.clock).run(
      pulling: { () -> Pull<Int> in
        left -= 1
        // A slow source holds things up like a full pipe.
        clock.advance(by: .seconds(60))
        return left < 0 ? .end : .request(left, Request("validate"))
      },
      answered: { _, _ in
        answered += 1
        clock.advance(by: .seconds(60))
      },
      failed: { item, _ in Issue.record("request \(item) ran out of time") },
      tick: { _ in
        clock.advance(by: .seconds(60))
        return true
      })
    #expect(end.failure == nil && answered == 200)
  }
}
