import CertRegProtocol

/// A second implementation of the rules for requests, over the reference reader's values.
enum ReferenceRules {
  private static let members: [String: Set<String>] = [
    "register": ["certificatePem", "status", "target", "ifExists", "deviceId", "refresh", "wait", "timeoutMs"],
    "validate": ["certificatePem"],
    "lookup": ["certificateId", "certificatePem", "target"],
    "update": ["certificateId", "certificatePem", "status", "target", "wait", "timeoutMs"],
    "describe": ["certificateId", "certificatePem", "target", "timeoutMs"],
    "forget": ["certificateId", "target"],
    "watch": ["target", "outcome"],
    "status": [],
    "metrics": [],
    "removeMember": ["member"],
  ]

  static func isRequest(_ members: [(name: [UInt16], value: ReferenceReader.Value)]) -> Bool {
    var values: [String: ReferenceReader.Value] = [:]
    for (name, value) in members {
      guard let name = text(name), values[name] == nil else { return false }
      values[name] = value
    }
    var operation = "register"
    if let value = values["op"] {
      guard let name = string(value) else { return false }
      operation = name
    }
    if operation == "register" {
      for name in ["provision", "attributes"] {
        guard let value = values.removeValue(forKey: name) else { continue }
        guard isAllowed(value, as: name, operation: operation) else { return false }
      }
    }
    guard let known = Self.members[operation], Set(values.keys).subtracting(["id", "op"]).isSubset(of: known) else {
      return false
    }
    guard values.allSatisfy({ isAllowed($0.value, as: $0.key, operation: operation) }) else { return false }
    let namesOneCertificate = (values["certificatePem"] == nil) != (values["certificateId"] == nil)
    switch operation {
    case "register", "validate": return values["certificatePem"] != nil
    case "lookup", "describe": return namesOneCertificate
    case "update":
      return namesOneCertificate && ["ACTIVE", "INACTIVE", "REVOKED"].contains(values["status"].flatMap(string))
    case "forget": return values["certificateId"] != nil
    case "removeMember": return values["member"] != nil
    default: return true
    }
  }

  /// Whether `text` may be echoed as an `id`.
  static func isID(_ value: ReferenceReader.Value) -> Bool {
    switch value {
    case .null: true
    case .string(let units): text(units) != nil
    case .number(let text): Double(text).map(\.isFinite) ?? false
    default: false
    }
  }

  private static func isAllowed(_ value: ReferenceReader.Value, as member: String, operation: String) -> Bool {
    switch member {
    case "id": return isID(value)
    case "refresh", "wait":
      if case .bool = value { return true }
      return false
    case "timeoutMs":
      guard case .number(let text) = value, let number = Int(text) else { return false }
      return (1...300_000).contains(number)
    case "target":
      if case .array(let names) = value {
        return ["register", "update", "watch"].contains(operation) && (1...256).contains(names.count)
          && names.allSatisfy { string($0) != nil }
      }
      return string(value) != nil
    case "status":
      let all = ["ACTIVE", "INACTIVE", "REVOKED", "PENDING_TRANSFER", "REGISTER_INACTIVE", "PENDING_ACTIVATION"]
      return string(value).map { all.contains($0) } ?? false
    case "ifExists": return ["return", "error", "update"].contains(string(value))
    case "deviceId", "member": return string(value).map { (1...128).contains($0.unicodeScalars.count) } ?? false
    case "provision":
      if case .null = value { return true }
      return string(value) != nil
    case "attributes":
      guard case .object(let members) = value, Set(members.map(\.name)).count == members.count else { return false }
      return members.count <= 50
        && members.allSatisfy { name, value in
          guard let name = text(name), let value = string(value) else { return false }
          return (1...128).contains(name.unicodeScalars.count) && value.unicodeScalars.count <= 4096
        }
    case "outcome": return ["created", "existing", "updated", "failed"].contains(string(value))
    case "certificateId":
      guard let text = string(value) else { return false }
      return text.utf8.count == 64 && text.allSatisfy { $0.isASCII && $0.isHexDigit }
    default: return string(value) != nil
    }
  }

  private static func string(_ value: ReferenceReader.Value) -> String? {
    if case .string(let units) = value { text(units) } else { nil }
  }

  /// `nil` for half a surrogate pair.
  static func text(_ units: [UInt16]) -> String? {
    String(validating: units, as: UTF16.self)
  }
}
