import CertRegCodec
import CertRegCore

// Parts of outputs, with the names and forms of the service model's members.
extension JSONValue {
  /// A point in time: seconds since the epoch, as AWS's JSON protocols write it.
  static func seconds(_ time: WallTime) -> JSONValue {
    let (seconds, milliseconds) = time.millisecondsSinceEpoch.quotientAndRemainder(dividingBy: 1000)
    return milliseconds == 0 ? .integer(seconds) : .number("\(Double(time.millisecondsSinceEpoch) / 1000)")
  }

  /// A map of texts, by name.
  static func map(_ texts: [String: String]) -> JSONValue {
    .object(texts.sorted { $0.key < $1.key }.map { JSONValue.Member($0.key, .string($0.value)) })
  }

  /// The output of a list.
  ///
  /// - Parameters:
  ///   - name: The member with the elements.
  ///   - next: The member that says where the next page begins.
  static func page<Element>(
    _ page: Page<Element>, _ name: String, next: String = "nextToken", _ element: (Element) -> JSONValue
  ) -> JSONValue {
    var members = [JSONValue.Member(name, .array(page.elements.map(element)))]
    if let marker = page.next { members.append(JSONValue.Member(next, .string(marker.text))) }
    return .object(members)
  }
}

extension SandboxResponse {
  /// A success with `output` as its body; `nil` for an operation that has no output.
  init(_ output: JSONValue?, service: SandboxOperation.Service = .iot) {
    self.init(status: 200, headers: [("Content-Type", service.contentType)], body: output?.jsonBytes ?? [])
  }

  /// The answer that tells of `error`: the type stands in a header, with JSON 1.1 also in the body, the rest in the
  /// body.
  init(_ error: SandboxError, service: SandboxOperation.Service = .iot) {
    let body = JSONValue.object(of: [
      "__type": service == .serviceQuotas ? .string(error.kind.rawValue) : nil,
      "message": .string(error.message), "resourceId": error.resourceID.map { .string($0) },
      "resourceArn": error.resourceARN.map { .string($0) },
    ])
    self.init(
      status: error.kind.httpStatus,
      headers: [("x-amzn-ErrorType", error.kind.rawValue), ("Content-Type", service.contentType)],
      body: body.jsonBytes)
  }
}
