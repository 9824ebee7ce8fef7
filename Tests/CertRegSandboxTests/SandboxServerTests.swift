import CertRegCore
import CertRegSandbox
import CertRegTesting
import Logging
import Testing

@Suite struct SandboxServerTests {
  private let logger = Logger(label: "tests", factory: { _ in SwiftLogNoOpLogHandler() })

  /// Starts a server on a free port, runs `body`, and stops the server.
  private func withServer(
    faults: FaultPlan = .none, clock: HostClock = ManualClock.atStart().clock,
    _ body: (SandboxServer, SandboxEndpoint) async throws -> Void
  ) async throws {
    let endpoint = SandboxEndpoint(SandboxConfiguration(faults: faults), judge: StubJudge(), clock: clock, seed: 1)
    let server = try await SandboxServer.start(endpoint: endpoint, host: "127.0.0.1", port: 0, logger: logger)
    do {
      try await body(server, endpoint)
    } catch {
      await server.stop(within: .zero)
      throw error
    }
    await server.stop()
  }

  private func registration(_ number: Int) -> String { "{\"certificatePem\":\"\(pem(number))\"}" }

  @Test func `reports its URL`() async throws {
    try await withServer { server, _ in
      #expect(server.port > 0)
      #expect(server.url == "http://127.0.0.1:\(server.port)")
    }
  }

  @Test func `says in its own words that the port is in use`() async throws {
    try await withServer { server, endpoint in
      let error = await #expect(throws: (any Error).self) {
        try await SandboxServer.start(endpoint: endpoint, host: "127.0.0.1", port: server.port, logger: logger)
      }
      #expect(error.map { "\($0)" } == "another program uses this port; --port 0 takes a free one")
    }
  }

  @Test func `answers one request after the other on one connection`() async throws {
    try await withServer { server, _ in
      let client = try LoopbackClient(port: server.port)
      for number in 0..<3 {
        try client.sendRequest("POST", "/certificate/register-no-ca", body: registration(number))
        let answer = try client.receive()
        #expect(answer.status == 200)
        #expect(answer.headers["content-type"] == "application/json")
        #expect(answer.headers["connection"] == "keep-alive")
        #expect(answer.headers["date"] == "Tue, 24 Nov 2026 08:09:10 GMT")
        #expect(answer.headers["x-amzn-requestid"]?.count == 36)
        #expect(answer.body.contains(certificate(number).id.hex))
      }
    }
  }

  @Test(arguments: [Duration.zero, .milliseconds(5)])
  func `answers pipelined requests in their order`(latency: Duration) async throws {
    try await withServer(faults: FaultPlan(latency: .zero...latency)) { server, endpoint in
      let client = try LoopbackClient(port: server.port)
      for number in 0..<20 {
        try client.sendRequest("POST", "/certificate/register-no-ca", body: registration(number))
      }
      for number in 0..<20 { #expect(try client.receive().body.contains(certificate(number).id.hex)) }
      #expect(endpoint.certificateCount == 20)
    }
  }

  @Test func `reads a body that comes in chunks, and in pieces`() async throws {
    try await withServer { server, _ in
      let client = try LoopbackClient(port: server.port)
      try client.send("POST /certificate/register-no-ca HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n")
      for character in registration(1) { try client.send("1\r\n\(character)\r\n") }
      try client.send("0\r\n\r\n")
      #expect(try client.receive().status == 200)
    }
  }

  @Test func `answers 100 Continue to a client that waits for it`() async throws {
    try await withServer { server, _ in
      let client = try LoopbackClient(port: server.port)
      let body = registration(1)
      try client.send(
        "POST /certificate/register-no-ca HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\n"
          + "Content-Length: \(body.utf8.count)\r\n\r\n")
      #expect(try client.receive().status == 100)
      try client.send(body)
      #expect(try client.receive().status == 200)
    }
  }

  @Test(arguments: [204, 304], [nil, 1000])
  func `sends no body with a status that has none`(status: Int, bytesPerSecond: Int?) async throws {
    var faults = FaultPlan.none
    faults.bytesPerSecond = bytesPerSecond
    faults.answers = [FaultPlan.ScriptedAnswer(status: status, body: "a body")]
    try await withServer(faults: faults) { server, _ in
      let client = try LoopbackClient(port: server.port)
      try client.sendRequest("POST", "/certificate/register-no-ca", body: registration(1))
      #expect(try client.receiveHead().status == status)
      try client.sendRequest("GET", "/certificates")
      #expect(try client.receive().status == 200)
    }
  }

  @Test func `sends no body with an answer to HEAD`() async throws {
    try await withServer { server, _ in
      let client = try LoopbackClient(port: server.port)
      try client.sendRequest("HEAD", "/certificates")
      try client.sendRequest("GET", "/certificates", headers: "Connection: close\r\n")
      #expect(try client.receiveHead().status == 404)
      #expect(try client.receive().status == 200)
      #expect(try client.isAtEnd())
    }
  }

  @Test func `closes when the client asks for it`() async throws {
    try await withServer { server, _ in
      let client = try LoopbackClient(port: server.port)
      try client.sendRequest("GET", "/certificates", headers: "Connection: close\r\n")
      let answer = try client.receive()
      #expect(answer.status == 200)
      #expect(answer.headers["connection"] == "close")
      #expect(try client.isAtEnd())
    }
  }

  @Test(arguments: [true, false])
  func `refuses a body that is too long, announced or not`(isAnnounced: Bool) async throws {
    try await withServer { server, endpoint in
      let client = try LoopbackClient(port: server.port)
      let body = String(repeating: " ", count: SandboxServer.bodyLimitBytes + 1)
      if isAnnounced {
        try client.sendRequest("POST", "/certificate/register-no-ca", body: body)
      } else {
        try client.send("POST /certificate/register-no-ca HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n")
        try client.send("\(String(body.utf8.count, radix: 16))\r\n\(body)\r\n0\r\n\r\n")
      }
      let answer = try client.receive()
      #expect(answer.status == 413)
      #expect(answer.headers["x-amzn-errortype"] == "RequestEntityTooLargeException")
      #expect(answer.headers["connection"] == "close")
      #expect(try client.isAtEnd())
    }
  }

  @Test func `accepts a body of the greatest length`() async throws {
    try await withServer { server, _ in
      let client = try LoopbackClient(port: server.port)
      let body = registration(1)
      let padding = String(repeating: " ", count: SandboxServer.bodyLimitBytes - body.utf8.count)
      try client.sendRequest("POST", "/certificate/register-no-ca", body: body + padding)
      #expect(try client.receive().status == 200)
    }
  }

  @Test func `answers 400 to bytes that are not HTTP, and closes`() async throws {
    try await withServer { server, _ in
      let client = try LoopbackClient(port: server.port)
      try client.send("nonsense\r\n\r\n")
      #expect(try client.receive().status == 400)
      #expect(try client.isAtEnd())
    }
  }

  @Test func `closes the connection in place of a dropped answer`() async throws {
    try await withServer(faults: FaultPlan(dropRate: 1)) { server, _ in
      let client = try LoopbackClient(port: server.port)
      try client.sendRequest("GET", "/certificates")
      #expect(try client.isAtEnd())
    }
  }

  @Test func `resets instead of an answer`() async throws {
    try await withServer(faults: FaultPlan(resetRate: 1)) { server, _ in
      let client = try LoopbackClient(port: server.port)
      try client.sendRequest("GET", "/certificates")
      #expect(client.isReset())
    }
  }

  @Test func `sends an answer drop by drop, and then the next`() async throws {
    var plan = FaultPlan()
    plan.bytesPerSecond = 5000
    try await withServer(faults: plan) { server, _ in
      let client = try LoopbackClient(port: server.port)
      for number in 0..<2 {
        try client.sendRequest("POST", "/certificate/register-no-ca", body: registration(number))
        #expect(try client.receive().body.contains(certificate(number).id.hex))
      }
    }
  }

  @Test(arguments: ["keep-alive", "close"])
  func `goes on after clients that leave in the middle of an answer sent drop by drop`(connection: String) async throws
  {
    var plan = FaultPlan()
    plan.bytesPerSecond = 1000
    try await withServer(faults: plan) { server, endpoint in
      let other = try LoopbackClient(port: server.port)
      for number in 0..<2 {
        try other.sendRequest("POST", "/certificate/register-no-ca", body: registration(number))
        _ = try other.receive()
      }
      do {
        let client = try LoopbackClient(port: server.port)
        try client.sendRequest("GET", "/certificates", headers: "Connection: \(connection)\r\n")
        _ = try client.receiveHead()
      }
      // Takes longer than the pause in which the client left.
      try other.sendRequest("GET", "/certificates")
      #expect(try other.receive().status == 200)
    }
  }

  @Test func `goes on after clients that leave in the middle`() async throws {
    try await withServer(faults: FaultPlan(latency: .milliseconds(1) ... .milliseconds(3))) { server, endpoint in
      for number in 0..<20 {
        let client = try LoopbackClient(port: server.port)
        try client.sendRequest("POST", "/certificate/register-no-ca", body: registration(number))
        if number % 2 == 0 { try client.send("GET /certif") }
      }
      let client = try LoopbackClient(port: server.port)
      try client.sendRequest("GET", "/certificates")
      #expect(try client.receive().status == 200)
    }
  }

  @Test func `stops once requests under way have their answers`() async throws {
    let (arrivals, continuation) = AsyncStream.makeStream(of: Void.self)
    let time = ManualClock.atStart()
    // The endpoint asks for the time when it has a request.
    let clock = HostClock(
      monotonic: { time.now.monotonic },
      wall: {
        continuation.yield()
        return time.now.wall
      })
    let latency = Duration.milliseconds(100)
    try await withServer(faults: FaultPlan(latency: latency...latency), clock: clock) { server, _ in
      let busy = try LoopbackClient(port: server.port)
      let idle = try LoopbackClient(port: server.port)
      try idle.sendRequest("GET", "/certificates")
      #expect(try idle.receive().status == 200)
      try busy.sendRequest("GET", "/certificates")
      var arrived = arrivals.makeAsyncIterator()
      for _ in 0..<2 { _ = await arrived.next() }
      await server.stop()
      #expect(try busy.receive().status == 200)
      #expect(try busy.isAtEnd())
      #expect(try idle.isAtEnd())
      #expect(throws: LoopbackClient.ConnectionRefused.self) { try LoopbackClient(port: server.port) }
    }
  }

  @Test func `cuts off requests that outlast the deadline of a stop`() async throws {
    let latency = Duration.seconds(3_600)
    let (arrivals, continuation) = AsyncStream.makeStream(of: Void.self)
    let clock = HostClock(
      monotonic: { MonotonicTime(nanoseconds: 0) },
      wall: {
        continuation.yield()
        return ManualClock.start
      })
    try await withServer(faults: FaultPlan(latency: latency...latency), clock: clock) { server, _ in
      let client = try LoopbackClient(port: server.port)
      try client.sendRequest("GET", "/certificates")
      var arrived = arrivals.makeAsyncIterator()
      _ = await arrived.next()
      await server.stop(within: .milliseconds(1))
      #expect(try client.isAtEnd())
    }
  }

  @Test func `an address in use is an error`() async throws {
    try await withServer { server, endpoint in
      await #expect(throws: (any Error).self) {
        try await SandboxServer.start(endpoint: endpoint, host: "127.0.0.1", port: server.port, logger: logger)
      }
    }
  }
}
