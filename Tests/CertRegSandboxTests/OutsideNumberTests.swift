import CertRegCodec
import CertRegCore
import CertRegTesting
import Testing

@testable import CertRegSandbox

/// Numbers and times in requests, plans and state files: whatever they are, there is an answer.
@Suite struct OutsideNumberTests {
  private static let numbers = [
    "0", "-0", "1", "-1", "2", "0.5", "1e-320", "1e15", "1e40", "-1e40", "1e300", "1e308", "1e309", "-1e309",
    "9223372036854775807", "9223372036854775808", "-9223372036854775808", "-9223372036854775809", "3.2e9", "-3.2e9",
    "86400000", "253402300800000", "-62135596800000", "99999999999999999999999999",
  ]

  private func endpoint(_ clock: HostClock) -> SandboxEndpoint {
    SandboxEndpoint(SandboxConfiguration(isControlled: true), judge: StubJudge(), clock: clock, seed: 1)
  }

  private func ask(_ endpoint: SandboxEndpoint, _ method: String, _ target: String, _ body: String = "")
    -> SandboxAnswer
  {
    endpoint.answer(SandboxRequest(method: method, target: target, body: Array(body.utf8)))
  }

  @Test func `no plan of faults ends the process`() {
    let seed = UInt64.random(in: 0...UInt64.max)
    print("seed \(seed)")
    var random = SplitMix64(seed: seed)
    let names = [
      "errorRate", "dropRate", "resetRate", "lieRate", "dripBytesPerSecond", "throttlePerSecond", "throttleBurst",
      "clockOffsetSeconds",
    ]
    func number() -> String { Self.numbers.randomElement(using: &random) ?? "0" }
    for _ in 0..<500 {
      let clock = ManualClock.atStart()
      let endpoint = endpoint(clock.clock)
      var members = names.filter { _ in Int.random(in: 0..<4, using: &random) == 0 }.map { "\"\($0)\":\(number())" }
      if Bool.random(using: &random) { members.append("\"latencyMs\":[\(number()),\(number())]") }
      if Bool.random(using: &random) {
        members.append(
          "\"answers\":[{\"status\":\(Bool.random(using: &random) ? "200" : number()),\"times\":\(number())}]")
      }
      if Bool.random(using: &random) {
        let faults = "\"errorRate\":\(number()),\"throttlePerSecond\":\(number()),\"throttleBurst\":\(number())"
        members.append("\"operations\":{\"RegisterCertificateWithoutCA\":{\(faults)}}")
      }
      let plan = "{\(members.joined(separator: ","))}"
      let status = ask(endpoint, "PUT", "/sandbox/faults", plan).response?.status
      #expect(status == 200 || status == 400, "seed \(seed): \(plan)")
      for _ in 0..<4 {
        let answer = ask(endpoint, "POST", "/certificate/register-no-ca", #"{"certificatePem":"certificate 1"}"#)
        #expect(answer.latency >= .zero && answer.latency <= .seconds(86_400), "seed \(seed): \(plan)")
        clock.advance(by: .seconds(Int64.random(in: 0...1_000_000, using: &random)))
      }
    }
  }

  @Test(arguments: numbers + ["", "x", "١", "0x10", "1_0"])
  func `any size of a page and any marker have an answer`(number: String) {
    let endpoint = endpoint(ManualClock.atStart().clock)
    for marker in [Base64.encode(Array("after:\(number)".utf8)), number] {
      for order in ["true", "false"] {
        let target = "/certificates?pageSize=\(number)&isAscendingOrder=\(order)&marker=\(marker)"
        #expect(ask(endpoint, "GET", target).response != nil)
      }
    }
  }

  @Test(arguments: [Int.min, -62_135_596_800_000, -1, 0, 253_402_300_800_000, .max])
  func `a register with any times is read and answered from`(time: Int) throws {
    let folder = try TemporaryFolder()
    let subject = certificate(1)
    let at = WallTime(millisecondsSinceEpoch: Int64(time))
    let account = SandboxAccount()
    do {
      var (file, _) = try StateFile.open(path: folder.path("file"), account: account)
      try file.append(
        .register(
          RegisteredCertificate(
            id: subject.id, der: subject.der, status: .active, createdAt: at, lastModifiedAt: at, notBefore: at,
            notAfter: at, generationID: UniqueID(1, 2))))
    }
    let endpoint = SandboxEndpoint(
      SandboxConfiguration(), judge: StubJudge(),
      stateFile: try StateFile.open(path: folder.path("file"), account: account), clock: ManualClock.atStart().clock,
      seed: 1)
    #expect(ask(endpoint, "GET", "/certificates/\(subject.id.hex)").response?.status == 200)
    #expect(ask(endpoint, "GET", "/certificates").response?.status == 200)
  }

  @Test(arguments: ["00000000T000000Z", "99991231T235959Z", "16000101T000000Z", "20261301T000000Z", "2026112 T080910Z"])
  func `a signature of any date is refused`(date: String) {
    let verifier = SignatureVerifier(credentials: [], region: "eu-central-1")
    let authorization =
      "AWS4-HMAC-SHA256 Credential=A/\(date.prefix(8))/eu-central-1/iot/aws4_request, "
      + "SignedHeaders=host, Signature=\(String(repeating: "0", count: 64))"
    let request = SandboxRequest(
      method: "GET", target: "/certificates", headers: [("Authorization", authorization), ("X-Amz-Date", date)],
      body: [])
    for time in [Int64.min, 0, .max] {
      #expect(throws: SandboxError.self) {
        try verifier.verify(request, at: WallTime(millisecondsSinceEpoch: time))
      }
    }
  }
}
