import CertRegCodec
import CertRegCore
import CertRegProtocol
import CertRegTesting
import Foundation
import Testing

@Suite struct AnswerEncoderTests {
  private let id = CertificateID(words: (1, 2, 3, 0xfedc_ba98_7654_3210))
  private var key: RegistrationKey { RegistrationKey(certificateID: id, target: TargetName("eu-1")) }
  private let basis = VerdictBasis(
    notBefore: WallTime(secondsSinceEpoch: 0), notAfter: WallTime(secondsSinceEpoch: 1), policyFingerprint: 0)
  private let prefix = "arn:aws:iot:eu-central-1:123456789012:cert/"

  private let sensor = Provisioned(
    profile: "sensors", tag: ProvisioningTag(rawValue: 7),
    resources: DeviceResources(
      thingName: "pump-7", thingARN: "arn:aws:iot:eu-central-1:123456789012:thing/pump-7", policies: ["p\"1", "p2"],
      groups: ["hall-7"]))

  private func registration(
    _ status: CertificateStatus?, _ outcome: RegistrationOutcome = .created, _ provisioned: Provisioned? = nil
  ) -> Registration {
    Registration(
      key: key, certificateARN: prefix + id.hex, outcome: outcome, status: status, requestID: "r-1",
      finishedAt: WallTime(secondsSinceEpoch: 1_700_000_000), basis: basis, provisioned: provisioned)
  }

  @Test func `a watch tells the name of the device whose status was set`() {
    let update = StatusUpdate(
      key: key, status: .inactive, certificateARN: nil, requestID: nil,
      finishedAt: WallTime(secondsSinceEpoch: 1_700_000_000), requester: Requester(uid: 1), deviceID: DeviceID("pump-7")
    )
    #expect(text(AnswerEncoder.watched(id: nil, update)).contains(#""deviceId":"pump-7""#))
  }

  private func text(_ line: [UInt8]) -> String {
    #expect(line.last == 0x0a)
    #expect(line.dropLast().allSatisfy { $0 >= 0x20 })
    #expect((try? JSONSerialization.jsonObject(with: Data(line))) is [String: Any])
    return String(decoding: line.dropLast(), as: UTF8.self)
  }

  /// The output of `writeRegistered`, with exactly the memory that it asks for.
  private func written(
    id requestID: String?, status: CertificateStatus?, outcome: RegistrationOutcome, cached: Bool, target: String,
    _ provisioned: Provisioned? = nil
  ) -> [UInt8] {
    let device = GuardedMemory(provisioned.map { AnswerEncoder.provisioning($0) } ?? [])
    let size = AnswerEncoder.registeredSize(
      idBytes: requestID?.utf8.count ?? 0, arnPrefixBytes: prefix.utf8.count, targetBytes: target.utf8.count,
      provisioningBytes: device.readOnly.count)
    let memory = GuardedMemory(count: size)
    let request = requestID.map { GuardedMemory(Array($0.utf8)) }
    let arn = GuardedMemory(Array(prefix.utf8))
    let name = GuardedMemory(Array(target.utf8))
    let count = AnswerEncoder.writeRegistered(
      into: memory.bytes, id: request?.readOnly, arnPrefix: arn.readOnly, certificateID: id, outcome: outcome,
      status: status, cached: cached, target: name.readOnly, provisioning: device.readOnly)
    return Array(memory.readOnly[..<count])
  }

  @Test func `writes the answer of the interface`() {
    let line = text(written(id: "1", status: .active, outcome: .created, cached: false, target: "default"))
    #expect(
      line
        == #"{"id":1,"certificateArn":"\#(prefix)\#(id.hex)","certificateId":"\#(id.hex)","outcome":"created","#
        + #""status":"ACTIVE","cached":false,"target":"default"}"#)
  }

  @Test func `writes the same answer by both ways`() {
    for requestID in [nil, "1", "\"a\\u00fc\"", "null", "\"" + String(repeating: "x", count: 40_000) + "\""] {
      for status in [nil] + CertificateStatus.allCases.map(Optional.some) {
        for outcome in RegistrationOutcome.allCases {
          for cached in [true, false] {
            for provisioned in [nil, sensor] {
              let fast = written(
                id: requestID, status: status, outcome: outcome, cached: cached, target: "eu-1", provisioned)
              let general = AnswerEncoder.registered(
                id: requestID.map { Array($0.utf8) }, registration(status, outcome, provisioned), cached: cached)
              #expect(fast == general)
            }
          }
        }
      }
    }
  }

  @Test func `writes every digest as its hexadecimal digits`() {
    var generator = SplitMix64.announced("digests")
    for _ in 0..<500 {
      let digest = CertificateID(words: (generator.next(), generator.next(), generator.next(), generator.next()))
      let memory = GuardedMemory(
        count: AnswerEncoder.registeredSize(idBytes: 0, arnPrefixBytes: 0, targetBytes: 0, provisioningBytes: 0))
      let empty = UnsafeRawBufferPointer(start: nil, count: 0)
      let count = AnswerEncoder.writeRegistered(
        into: memory.bytes, id: nil, arnPrefix: empty, certificateID: digest, outcome: .existing, status: nil,
        cached: true, target: empty, provisioning: empty)
      #expect(
        text(Array(memory.readOnly[..<count]))
          == #"{"certificateArn":"\#(digest.hex)","certificateId":"\#(digest.hex)","outcome":"existing","cached":true,"target":""}"#
      )
    }
  }

  @Test func `writes the device at the end of every answer about a registration, once it is complete`() {
    let device =
      #","provisioning":{"profile":"sensors","thingName":"pump-7","#
      + #""thingArn":"arn:aws:iot:eu-central-1:123456789012:thing/pump-7","policies":["p\"1","p2"],"groups":["hall-7"]}}"#
    func answers(_ provisioned: Provisioned?) -> [String] {
      let registration = registration(.active, .created, provisioned)
      return [
        text(AnswerEncoder.registered(id: [0x31], registration, cached: false)),
        text(AnswerEncoder.lookup(id: [0x31], .registered(registration))),
        text(AnswerEncoder.watched(id: nil, registration)),
        text(AnswerEncoder.results(id: nil, certificateID: id, [.registered(registration, cached: true)])),
      ]
    }
    var unfinished = sensor
    unfinished.completedSteps = 2
    let plain = answers(nil)
    let begun = answers(unfinished)
    // Whether steps are left is what `lookup` is asked for.
    #expect([begun[0], begun[2], begun[3]] == [plain[0], plain[2], plain[3]])
    #expect(begun[1] == plain[1].dropLast() + device.dropLast(2) + #","complete":false}}"#)
    let complete = answers(sensor)
    for index in 0..<3 { #expect(complete[index] == plain[index].dropLast() + device) }
    #expect(complete[3] == plain[3].dropLast(3) + device + "]}")
  }

  @Test func `leaves out what is not known of a device`() {
    let bare = Provisioned(profile: "p", tag: ProvisioningTag(rawValue: 1), resources: DeviceResources())
    #expect(
      String(decoding: AnswerEncoder.provisioning(bare), as: UTF8.self) == #"{"profile":"p","policies":[],"groups":[]}"#
    )
  }

  @Test func `an error names the step that failed`() {
    var error = ServiceError(.limitExceeded, reason: "limit_exceeded", message: "no more", origin: .upstream)
    error.failedStep = FailedStep(operation: "CreateThing", certificateID: id.hex, certificateARN: prefix + id.hex)
    #expect(
      text(AnswerEncoder.error(id: nil, error))
        == #"{"error":{"type":"LimitExceededException","httpStatus":410,"reason":"limit_exceeded","message":"no more","#
        + #""retryable":false,"origin":"upstream","step":"CreateThing","certificateId":"\#(id.hex)","#
        + #""certificateArn":"\#(prefix)\#(id.hex)"}}"#)
  }

  @Test func `writes the members of an error that are set`() {
    let weak = ServiceError(
      .certificateValidation, reason: "weak_rsa_key", message: "RSA key has 1024 bits; at least 2048 are required")
    #expect(
      text(AnswerEncoder.error(id: [0x31], weak))
        == #"{"id":1,"error":{"type":"CertificateValidationException","httpStatus":400,"reason":"weak_rsa_key","#
        + #""message":"RSA key has 1024 bits; at least 2048 are required","retryable":false,"origin":"daemon"}}"#)
    let full = ServiceError(
      .resourceAlreadyExists, reason: "exists", message: "a \"quoted\"\nmessage", retryable: true, origin: .upstream,
      retryAfterMilliseconds: 1500, resourceID: id.hex, resourceARN: prefix, status: .inactive, requestID: "r",
      upstreamType: "ConflictException")
    #expect(
      text(AnswerEncoder.error(id: nil, full))
        == #"{"error":{"type":"ResourceAlreadyExistsException","httpStatus":409,"reason":"exists","message":"a \"quoted\"\nmessage","#
        + #""retryable":true,"origin":"upstream","retryAfterMs":1500,"resourceId":"\#(id.hex)","resourceArn":"\#(prefix)","#
        + #""status":"INACTIVE","requestId":"r","upstreamType":"ConflictException"}}"#)
  }

  @Test(arguments: [
    (#"{"staus":1,"id":"a\u00fc"}"#, #"{"id":"a\u00fc","error":{"#), ("nonsense", #"{"id":null,"error":{"#),
    ("{}", #"{"id":null,"error":{"#), (#"{"id":[],"op":"status"}"#, #"{"id":null,"error":{"#),
  ])
  func `answers a refused line with its id or with null`(_ line: String, beginning: String) throws {
    let parsed = ParsedLine(line)
    guard case .failure(let error) = parsed.result else {
      Issue.record("accepted")
      return
    }
    #expect(text(AnswerEncoder.error(error, in: parsed.memory.readOnly)).hasPrefix(beginning))
  }

  @Test func `writes the results of several targets in order`() {
    let error = ServiceError(
      .throttling, reason: "rate", message: "slow down", retryable: true, retryAfterMilliseconds: 5)
    let line = AnswerEncoder.results(
      id: Array("\"m\"".utf8), certificateID: id,
      [.registered(registration(.active), cached: true), .failed(TargetName("us"), error), .queued(TargetName("ap"))])
    #expect(
      text(line)
        == #"{"id":"m","certificateId":"\#(id.hex)","results":[{"target":"eu-1","certificateArn":"\#(prefix)\#(id.hex)","#
        + #""certificateId":"\#(id.hex)","outcome":"created","status":"ACTIVE","cached":true},"#
        + #"{"target":"us","error":{"type":"ThrottlingException","httpStatus":400,"reason":"rate","message":"slow down","#
        + #""retryable":true,"origin":"daemon","retryAfterMs":5}},{"target":"ap","certificateId":"\#(id.hex)","#
        + #""outcome":"queued","cached":false}]}"#)
  }

  @Test func `writes the answers of the other operations`() {
    let error = ServiceError(.serviceUnavailable, reason: "down", message: "no", retryable: true)
    let pending = PendingRegistration(
      key: key, sequence: 1, der: [], status: .inactive, enqueuedAt: WallTime(secondsSinceEpoch: 0), callStarted: true,
      attempts: 2, lastError: error, requester: Requester(uid: 0, pid: 42, unit: "line.service"), basis: basis)
    let failed = FailedRegistration(key: key, error: error, attempts: 3, finishedAt: WallTime(secondsSinceEpoch: 0))
    let known = #""certificateId":"\#(id.hex)","target":"eu-1""#
    let lastError =
      #""lastError":{"type":"ServiceUnavailableException","httpStatus":503,"reason":"down","message":"no","retryable":true,"origin":"daemon"}"#
    #expect(
      text(AnswerEncoder.queued(id: [0x31], certificateID: id, target: TargetName("eu-1")))
        == #"{"id":1,"certificateId":"\#(id.hex)","outcome":"queued","cached":false,"target":"eu-1"}"#)
    #expect(
      text(AnswerEncoder.lookup(id: nil, .registered(registration(nil, .existing))))
        == #"{\#(known),"state":"registered","certificateArn":"\#(prefix)\#(id.hex)","outcome":"existing","#
        + #""finishedAt":"2023-11-14T22:13:20.000Z","requestId":"r-1"}"#)
    #expect(
      text(AnswerEncoder.lookup(id: nil, .queued(pending, nextTry: WallTime(secondsSinceEpoch: 60))))
        == #"{\#(known),"state":"queued","status":"INACTIVE","enqueuedAt":"1970-01-01T00:00:00.000Z","attempts":2,"#
        + #""nextTryAt":"1970-01-01T00:01:00.000Z","requestedBy":{"uid":0,"pid":42,"unit":"line.service"},\#(lastError)}"#
    )
    #expect(
      text(AnswerEncoder.lookup(id: nil, .failed(failed)))
        == #"{\#(known),"state":"failed","finishedAt":"1970-01-01T00:00:00.000Z","attempts":3,\#(lastError)}"#)
    var (half, kept) = (pending, failed)
    half.facts.registered = RegisteredCertificate(
      certificateARN: prefix + id.hex, outcome: .created, status: .active, requestID: nil)
    kept.registered = registration(.active, .created)
    let registered = #""certificateArn":"\#(prefix)\#(id.hex)","outcome":"created","status":"ACTIVE","#
    #expect(
      text(AnswerEncoder.lookup(id: nil, .queued(half, nextTry: nil)))
        .hasPrefix(#"{\#(known),"state":"queued",\#(registered)"enqueuedAt":"#))
    #expect(
      text(AnswerEncoder.lookup(id: nil, .failed(kept)))
        == text(AnswerEncoder.lookup(id: nil, .registered(registration(.active)))).dropLast() + #",\#(lastError)}"#)
    #expect(text(AnswerEncoder.forgotten(id: [0x31], key)) == #"{"id":1,\#(known),"forgotten":true}"#)
    #expect(
      text(AnswerEncoder.watched(id: nil, failed))
        == #"{"certificateId":"\#(id.hex)","outcome":"failed","target":"eu-1","finishedAt":"1970-01-01T00:00:00.000Z","attempts":3,\#(lastError)}"#
    )
    #expect(
      text(AnswerEncoder.watched(id: nil, registration(.active))).contains(
        #""outcome":"created","status":"ACTIVE","target":"eu-1""#))
    #expect(text(AnswerEncoder.object(id: [0x31]) { $0.member("body", "a\nb") }) == #"{"id":1,"body":"a\nb"}"#)
  }
}
