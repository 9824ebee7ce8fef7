import CertRegCodec
import CertRegCore
import CertRegCrypto
import CertRegTesting
import NIOHTTP1
import Testing

@testable import CertRegForwarder

/// The requests of the operations that make a device, and the calls' ends.
@Suite struct ProvisioningCallTests {
  private static let id = SHA256.digest(of: Array("a certificate".utf8))
  private static let arn = "arn:aws:iot:eu-central-1:123456789012:cert/\(id.hex)"
  private static let thingARN = "arn:aws:iot:eu-central-1:123456789012:thing/gw:7"
  private static let named = [("x-amzn-RequestId", "r-1")]

  struct Case: Sendable, CustomTestStringConvertible {
    var action: ProvisioningAction
    var request: String
    var principal: String?
    var body: String
    var reply: CannedReply
    var resources = DeviceResources()

    var testDescription: String { request }
  }

  static let cases = [
    Case(
      action: .createThing(
        name: "gw:7", type: "sensor-v2", attributes: [NamedText("serial", "0a"), NamedText("site", "n[1]/#")]),
      request: "POST /things/gw%3A7",
      body: #"{"thingTypeName":"sensor-v2","attributePayload":{"attributes":{"serial":"0a","site":"n[1]/#"}}}"#,
      reply: .json(200, #"{"thingName":"gw:7","thingArn":"\#(thingARN)","thingId":"1"}"#, named),
      resources: DeviceResources(thingName: "gw:7", thingARN: thingARN)),
    Case(
      action: .createThing(name: "gw:7", type: nil, attributes: []), request: "POST /things/gw%3A7", body: "{}",
      reply: .json(200, #"{"thingArn":"\#(thingARN)"}"#, named),
      resources: DeviceResources(thingName: "gw:7", thingARN: thingARN)),
    Case(
      action: .addThingToThingGroup(thing: "t", group: "hall-7"),
      request: "PUT /thing-groups/addThingToThingGroup", body: #"{"thingGroupName":"hall-7","thingName":"t"}"#,
      reply: .json(200, "{}", named)),
    Case(
      action: .attachPolicy("a+b=c,d@e"), request: "PUT /target-policies/a%2Bb%3Dc%2Cd%40e",
      body: #"{"target":"\#(arn)"}"#, reply: CannedReply(headers: named)),
    Case(
      action: .attachThingPrincipal(thing: "t", isExclusive: true),
      request: "PUT /things/t/principals?thingPrincipalType=EXCLUSIVE_THING", principal: arn, body: "",
      reply: .json(200, "{}", named)),
    Case(
      action: .attachThingPrincipal(thing: "t", isExclusive: false), request: "PUT /things/t/principals",
      principal: arn, body: "", reply: .json(200, "{}", named)),
    Case(
      action: .registerThing(
        FilledTemplate(body: #"{"Resources":{"a":"\u00e9"}}"#, parameters: [NamedText("CertificateId", id.hex)])),
      request: "POST /things",
      body: #"{"templateBody":"{\"Resources\":{\"a\":\"\\u00e9\"}}","parameters":{"CertificateId":"\#(id.hex)"}}"#,
      reply: .json(200, #"{"certificatePem":"-","resourceArns":{"x":"\#(arn)","y":"\#(thingARN)"}}"#, named),
      resources: DeviceResources(thingName: "gw:7", thingARN: thingARN)),
  ]

  private func call(_ action: ProvisioningAction) -> UpstreamCall {
    .provision(
      ProvisioningCall(action: action, certificateID: Self.id, certificateARN: Self.arn, home: nil))
  }

  @Test(arguments: cases)
  func `sends what the API reference asks for, signed`(_ row: Case) async throws {
    let (reply, requests) = try await withUpstream { _, _ in
      row.reply
    } _: {
      await $0.perform(call(row.action))
    }
    #expect(reply == .provisioned(row.resources, requestID: "r-1"))
    let request = try #require(requests.first)
    #expect(requests.count == 1 && "\(request.method) \(request.uri)" == row.request)
    #expect(request.headers["x-amzn-principal"] == (row.principal.map { [$0] } ?? []))
    #expect(request.headers["Content-Type"] == (row.body.isEmpty ? [] : ["application/json"]))
    if row.body.isEmpty {
      #expect(request.body.isEmpty)
    } else {
      #expect(try JSONValue(parsing: request.body) == JSONValue(parsing: row.body))
    }
    #expect(try signatureHolds(request))
    let signed = request.headers["Authorization"].first?.contains("x-amzn-principal")
    #expect(signed == (row.principal != nil))
  }

  @Test(arguments: cases)
  func `a page in place of an answer makes nothing`(_ row: Case) async throws {
    let (reply, _) = try await withUpstream { _, _ in
      CannedReply(headers: [("Content-Type", "text/html")], body: "<html>log in</html>")
    } _: {
      await $0.perform(call(row.action))
    }
    guard case .failed(let failure) = reply else {
      Issue.record("a success")
      return
    }
    #expect(failure.error.reason == "upstream_garbled" && failure.disposition == .unavailable(retryAfter: nil))
  }

  @Test func `takes an answer with the longest certificate, which RegisterThing repeats`() async throws {
    let pem = String(repeating: #"\u0041"#, count: 65_536)
    let action = ProvisioningAction.registerThing(FilledTemplate(body: "{}", parameters: []))
    let (reply, _) = try await withUpstream { _, _ in
      .json(200, #"{"certificatePem":"\#(pem)","resourceArns":{"x":"\#(Self.arn)"}}"#, Self.named)
    } _: {
      await $0.perform(call(action))
    }
    #expect(reply == .provisioned(DeviceResources(), requestID: "r-1"))
  }

  @Test func `other answers are bounded more tightly`() async throws {
    let long = String(repeating: "a", count: HTTPTransport.responseLimitBytes)
    let (reply, _) = try await withUpstream { _, _ in
      .json(200, #"{"thingArn":"\#(Self.thingARN)","thingId":"\#(long)"}"#, Self.named)
    } _: {
      await $0.perform(call(.createThing(name: "gw:7", type: nil, attributes: [])))
    }
    guard case .failed(let failure) = reply else {
      Issue.record("a success")
      return
    }
    #expect(failure.error.reason == "upstream_garbled")
  }

  @Test func `no call is made after the client was shut down`() async throws {
    let (reply, requests) = try await withUpstream { _, _ in
      .silence
    } _: { client in
      await client.shutdown()
      return await client.perform(call(.attachPolicy("p")))
    }
    guard case .failed(let failure) = reply else {
      Issue.record("a success")
      return
    }
    #expect(failure.error.reason == "shutting_down" && requests.isEmpty)
  }
}
