import CertRegCodec
import CertRegCore
import CertRegProtocol

/// A line and the parser's result, with positions turned into text.
struct ParsedLine {
  let memory: GuardedMemory
  let result: Result<RequestLine, LineError>

  init(_ bytes: some Collection<UInt8>) {
    let memory = GuardedMemory(bytes)
    self.memory = memory
    do throws(LineError) {
      result = .success(try LineParser.parse(memory.readOnly))
    } catch {
      result = .failure(error)
    }
  }

  init(_ text: String) {
    self.init(Array(text.utf8))
  }

  var request: RequestLine? {
    if case .success(let request) = result { request } else { nil }
  }

  var error: ServiceError? {
    if case .failure(let error) = result { error.error } else { nil }
  }

  var reason: String? { error?.reason.rawValue }

  /// The JSON text of the `id` of an answer or an error line.
  var id: String? {
    let range: Range<Int>?
    switch result {
    case .success(let request): range = request.id
    case .failure(let error): range = error.id
    }
    return range.map { String(decoding: memory.readOnly[$0], as: UTF8.self) }
  }

  func string(_ text: JSONText?) -> String? {
    text.map { JSONTextDecoder.string($0, in: memory.readOnly) }
  }

  func strings(_ text: TargetsText) -> [String] {
    text.names(in: memory.readOnly).map { JSONTextDecoder.string($0, in: memory.readOnly) }
  }

  /// The attributes of a request, each as NAME=VALUE; `nil`: it has no such member.
  var attributes: [String]? {
    request?.attributes?.pairs(in: memory.readOnly).map { name, value in
      "\(string(name) ?? "")=\(string(value) ?? "")"
    }
  }
}

/// Reasons for lines that are not one JSON object.
let grammarReasons: Set<String> = [
  "not_an_object", "invalid_json", "invalid_utf8", "byte_order_mark", "trailing_data", "nesting_too_deep",
]

/// Reasons for objects that are not requests.
let requestReasons: Set<String> = [
  "lone_surrogate", "unknown_member", "duplicate_member", "missing_member", "conflicting_members", "invalid_type",
  "invalid_value", "unknown_operation", "invalid_id",
]
