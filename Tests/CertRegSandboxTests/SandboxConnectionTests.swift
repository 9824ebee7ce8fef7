import CertRegCore
import CertRegSandbox
import CertRegTesting
import Logging
import Testing

/// Connections that nobody uses, and what is logged about answers.
@Suite struct SandboxConnectionTests {
  private func withServer(
    faults: FaultPlan = .none, idleLimit: Duration = .seconds(300),
    logger: Logger = Logger(label: "tests", factory: { _ in SwiftLogNoOpLogHandler() }),
    _ body: (SandboxServer) throws -> Void
  ) async throws {
    let endpoint = SandboxEndpoint(
      SandboxConfiguration(faults: faults), judge: StubJudge(), clock: ManualClock.atStart().clock, seed: 1)
    let server = try await SandboxServer.start(
      endpoint: endpoint, host: "127.0.0.1", port: 0, idleLimit: idleLimit, logger: logger)
    let result = Result { try body(server) }
    await server.stop(within: .zero)
    try result.get()
  }

  private let registration = "{\"certificatePem\":\"\(pem(1))\"}"

  @Test(arguments: ["", "POST /certificate/register-no-ca HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n"])
  func `closes a connection that is idle, also within a request`(beginning: String) async throws {
    try await withServer(idleLimit: .milliseconds(50)) { server in
      let client = try LoopbackClient(port: server.port)
      try client.send(beginning)
      #expect(try client.isAtEnd())
    }
  }

  @Test func `keeps a connection on which an answer waits for its latency`() async throws {
    let latency = Duration.milliseconds(300)
    try await withServer(faults: FaultPlan(latency: latency...latency), idleLimit: .milliseconds(50)) { server in
      let client = try LoopbackClient(port: server.port)
      try client.sendRequest("POST", "/certificate/register-no-ca", body: registration)
      #expect(try client.receive().status == 200)
    }
  }

  @Test func `thousands of requests behind a slow one are answered one after the other`() async throws {
    let count = 4000
    var faults = FaultPlan.none
    var slow = FaultPlan.OperationFaults()
    slow.latency = .milliseconds(100) ... .milliseconds(100)
    faults.operations[.registerCertificateWithoutCA] = slow
    try await withServer(faults: faults) { server in
      let client = try LoopbackClient(port: server.port)
      try client.sendRequest("POST", "/certificate/register-no-ca", body: registration)
      try client.send(String(repeating: "GET / HTTP/1.1\r\n\r\n", count: count))
      #expect(try client.receive().status == 200)
      var statuses: Set<Int> = []
      for _ in 0..<count { statuses.insert(try client.receive().status) }
      #expect(statuses == [404])
    }
  }

  @Test func `answers that do not fit into the kernel's buffers come once the client reads`() async throws {
    let count = 40
    let body = String(repeating: "x", count: 500_000)
    var faults = FaultPlan.none
    faults.answers = [FaultPlan.ScriptedAnswer(status: 400, body: body, times: count)]
    try await withServer(faults: faults) { server in
      let client = try LoopbackClient(port: server.port)
      for _ in 0..<count { try client.sendRequest("POST", "/certificate/register-no-ca", body: registration) }
      for _ in 0..<count { #expect(try client.receive().body.utf8.count == body.utf8.count) }
    }
  }

  @Test(arguments: [
    ("\u{1B}[2J\nforged sandbox-status=200", "unprintable"), ("ThrottlingException", "ThrottlingException"),
    ("Überraschung", "unprintable"), (String(repeating: "x", count: 100), "unprintable"),
  ])
  func `logs no text of a scripted answer that could pass for a line of the log`(
    text: String, logged: String
  ) async throws {
    var faults = FaultPlan.none
    faults.answers = [FaultPlan.ScriptedAnswer(status: 400, headers: ["x-amzn-ErrorType": text], body: "{}")]
    let entries = RecordedEntries()
    try await withServer(faults: faults, logger: Logger(label: "tests", factory: { _ in entries })) { server in
      let client = try LoopbackClient(port: server.port)
      try client.sendRequest("POST", "/certificate/register-no-ca", body: registration)
      // Some of the texts cannot be sent.
      _ = try client.isAtEnd()
    }
    let texts = entries.recorded.compactMap { $0.metadata["sandbox-error"]?.description }
    #expect(texts.first == logged)
  }
}
