import CertRegClock
import CertRegCodec
import CertRegCore
import Foundation
import Testing

@testable import CertRegForwarder

/// Prints of each operation what the requests consist of. botocore reads its own file, compressed or not.
private let script = """
  import json, sys
  from botocore.loaders import Loader
  model = Loader().load_service_model("iot", "service-2")
  shapes, operations = model["shapes"], {}
  for name in sys.argv[1:]:
      operation = model["operations"][name]
      members = shapes[operation["input"]["shape"]].get("members", {})
      def located(place):
          return sorted(m.get("locationName", n) for n, m in members.items() if m.get("location") == place)
      output = operation.get("output", {}).get("shape")
      operations[name] = {
          "method": operation["http"]["method"], "path": operation["http"]["requestUri"],
          "query": located("querystring"), "headers": located("header"), "body": located(None),
          "response": sorted(shapes[output].get("members", {})) if output else [],
          "errors": {e["shape"]: shapes[e["shape"]].get("error", {}).get("httpStatusCode", 0) for e in operation["errors"]},
      }
  print(json.dumps(operations))
  """

private let model: JSONValue? = {
  let names = IoTOperation.allCases.map(\.rawValue)
  let result = try? ChildProcess.run(
    ["python3", "-c", script] + names,
    environment: ["PATH=\(ProcessInfo.processInfo.environment["PATH"] ?? "/usr/bin:/bin")"],
    limits: ChildProcess.Limits(
      timeout: .seconds(60), outputBytes: 1_000_000, clock: .system, isCancelled: { false }))
  return result.flatMap { try? JSONValue(parsing: $0.standardOutput) }
}()

/// Compares what this program knows of AWS IoT's operations with botocore's model of the service.
@Suite(.enabled(if: model != nil, "botocore is not installed"))
struct IoTModelTests {
  private func strings(_ value: JSONValue?) -> Set<String> {
    guard case .array(let elements)? = value else { return [] }
    return Set(elements.compactMap(\.string))
  }

  @Test(arguments: IoTOperation.allCases)
  func `knows the method and path of each operation`(_ operation: IoTOperation) throws {
    let described = try #require(model?[operation.rawValue])
    #expect(described["method"]?.string == operation.method)
    #expect(described["path"]?.string == operation.path)
    #expect(strings(described["headers"]).isSuperset(of: operation.headers))
  }

  private static let id = CertificateID()
  private static let arn = "arn:aws:iot:eu-central-1:123456789012:cert/\(id.hex)"
  private static let thingARN = "arn:aws:iot:eu-central-1:123456789012:thing/t"

  /// A reply to each operation, with all members that are read.
  private static func reply(to operation: IoTOperation?) -> String {
    switch operation {
    case .registerCertificateWithoutCA: #"{"certificateArn":"\#(arn)","certificateId":"\#(id.hex)"}"#
    case .describeCertificate: #"{"certificateDescription":{"certificateArn":"\#(arn)","status":"ACTIVE"}}"#
    case .listPrincipalThings: #"{"things":["t"],"nextToken":"n"}"#
    case .listAttachedPolicies: #"{"policies":[{"policyName":"p"}],"nextMarker":"n"}"#
    case .createThing: #"{"thingName":"t","thingArn":"\#(thingARN)"}"#
    case .registerThing: #"{"resourceArns":{"x":"\#(thingARN)"}}"#
    case .updateCertificate, .addThingToThingGroup, .attachPolicy, .attachThingPrincipal, nil: "{}"
    }
  }

  private static func operation(of request: ReceivedRequest) -> IoTOperation? {
    let path = request.uri.prefix { $0 != "?" }.split(separator: "/")
    return IoTOperation.allCases.first { operation in
      let pattern = operation.path.split(separator: "/")
      return operation.method == request.method && pattern.count == path.count
        && zip(pattern, path).allSatisfy { $0 == $1 || $0.hasPrefix("{") }
    }
  }

  @Test func `sends and reads members that the model has`() async throws {
    let actions: [ProvisioningAction] = [
      .createThing(name: "t", type: "y", attributes: [NamedText("a", "b")]),
      .addThingToThingGroup(thing: "t", group: "g"), .attachPolicy("p"),
      .attachThingPrincipal(thing: "t", isExclusive: true),
      .registerThing(FilledTemplate(body: "{}", parameters: [NamedText("a", "b")])),
    ]
    let (_, requests) = try await withUpstream { request, _ in
      .json(200, Self.reply(to: Self.operation(of: request)), [("x-amzn-RequestId", "r-1")])
    } _: { client in
      let registered = await client.registerCertificateWithoutCA(
        RegisterCertificateCall(certificateID: Self.id, der: [1], status: .active))
      #expect(registered == .registered(certificateARN: Self.arn, requestID: "r-1"))
      let update = UpdateCertificateCall(certificateID: Self.id, status: .active, home: nil)
      #expect(await client.perform(.updateCertificate(update)) == .updated(requestID: "r-1"))
      for action in actions {
        let call = ProvisioningCall(action: action, certificateID: Self.id, certificateARN: Self.arn, home: nil)
        let reply = await client.perform(.provision(call))
        guard case .provisioned = reply else {
          Issue.record("\(action): \(reply)")
          continue
        }
      }
      let certificate = try await client.describe(Self.id)
      // The replies always name a further page.
      #expect(certificate.things == Array(repeating: "t", count: 10))
      #expect(certificate.policies == Array(repeating: "p", count: 10))
    }
    var operations: Set<IoTOperation> = []
    for request in requests {
      let operation = try #require(Self.operation(of: request), "\(request.method) \(request.uri)")
      operations.insert(operation)
      let described = try #require(model?[operation.rawValue])
      let pairs: [Substring] = request.uri.drop { $0 != "?" }.dropFirst().split(separator: "&")
      let query: [String] = pairs.map { pair in String(pair.prefix { $0 != "=" }) }
      #expect(strings(described["query"]).isSuperset(of: query), "\(operation)")
      let body = try names(request.body)
      #expect(strings(described["body"]).isSuperset(of: body), "\(operation)")
      let reply = try names(Self.reply(to: operation))
      #expect(strings(described["response"]).isSuperset(of: reply), "\(operation)")
    }
    #expect(operations == Set(IoTOperation.allCases))
  }

  /// The members of a JSON object; none of an empty text.
  private func names(_ text: String) throws -> [String] {
    text.isEmpty ? [] : try #require(JSONValue(parsing: Array(text.utf8)).members).map(\.name)
  }

  /// Errors that mean what others with their status mean.
  private static let knownByStatus: Set<String> = ["ConflictingResourceUpdateException"]

  @Test(arguments: IoTOperation.allCases)
  func `knows every error of each operation`(_ operation: IoTOperation) throws {
    guard case .object(let errors)? = model?[operation.rawValue]?["errors"] else {
      Issue.record("the model has no errors of \(operation)")
      return
    }
    // Without a status only the name tells.
    for error in errors where !Self.knownByStatus.contains(error.name) {
      #expect(
        AWSErrorCategory(type: error.name, message: nil, status: 0, operation: operation) != nil, "\(error.name)")
    }
    // RegisterThing calls the other operations, whose exceptions are not among its own.
    let lacksResources = errors.contains { $0.name == "ResourceNotFoundException" } || operation == .registerThing
    #expect(lacksResources == (operation.missingResource != nil))
  }
}
