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
  func `knows the method, path and members of each operation`(_ operation: IoTOperation) throws {
    let described = try #require(model?[operation.rawValue])
    #expect(described["method"]?.string == operation.method)
    #expect(described["path"]?.string == operation.path)
    #expect(strings(described["query"]).isSuperset(of: operation.query))
    #expect(strings(described["headers"]).isSuperset(of: operation.headers))
    #expect(strings(described["body"]).isSuperset(of: operation.body))
    #expect(strings(described["response"]).isSuperset(of: operation.response))
  }

  @Test(arguments: IoTOperation.allCases)
  func `knows every error of each operation`(_ operation: IoTOperation) throws {
    guard case .object(let errors)? = model?[operation.rawValue]?["errors"] else {
      Issue.record("the model has no errors of \(operation)")
      return
    }
    for error in errors {
      let category = AWSErrorCategory(
        type: error.name, message: nil, status: error.value.integer ?? 0, operation: operation)
      #expect(category != nil, "\(error.name)")
    }
    // RegisterThing calls the other operations, whose exceptions are not among its own.
    let lacksResources = errors.contains { $0.name == "ResourceNotFoundException" } || operation == .registerThing
    #expect(lacksResources == (operation.missingResource != nil))
  }
}
