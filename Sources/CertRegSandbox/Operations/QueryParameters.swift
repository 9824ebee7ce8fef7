import CertRegSigV4

/// The parameters of a query string, names and values decoded. The last one of a name counts.
struct QueryParameters {
  private var values: [String: String] = [:]

  init(_ query: String) {
    for item in query.split(separator: "&") {
      let parts = item.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
      values[URIEncoding.decoded(parts[0])] = parts.count > 1 ? URIEncoding.decoded(parts[1]) : ""
    }
  }

  subscript(name: String) -> String? { values[name] }

  /// A text.
  ///
  /// - Throws: InvalidRequestException for a value that the constraint excludes.
  func text(_ name: String, _ constraint: TextConstraint) throws(SandboxError) -> String? {
    guard let text = values[name] else { return nil }
    return try constraint.check(text, at: name)
  }

  /// `true` or `false`.
  func flag(_ name: String) throws(SandboxError) -> Bool? {
    switch values[name] {
    case nil: return nil
    case "true": return true
    case "false": return false
    case let text: throw .constraint("Member must be a boolean", at: name, value: text)
    }
  }

  func integer(_ name: String) throws(SandboxError) -> Int? {
    guard let text = values[name] else { return nil }
    guard let integer = Int(text) else { throw .constraint("Member must be an integer", at: name, value: text) }
    return integer
  }

  /// One of a set of values.
  func choice<Value: RawRepresentable<String> & CaseIterable>(_ name: String) throws(SandboxError) -> Value? {
    guard let text = values[name] else { return nil }
    guard let value = Value(rawValue: text) else {
      throw .notInSet(Value.allCases.map(\.rawValue), at: name, value: text)
    }
    return value
  }

  // MARK: Pages

  /// `nextToken` and `maxResults`.
  func page() throws(SandboxError) -> PageRequest {
    PageRequest(size: try pageSize("maxResults"), after: try marker("nextToken"))
  }

  /// `marker` and `pageSize`, oldest first unless the operation says otherwise.
  func markerPage(ascending: Bool = true) throws(SandboxError) -> PageRequest {
    PageRequest(size: try pageSize("pageSize"), after: try marker("marker"), ascending: ascending)
  }

  /// An integer from 1 to 250; left out, 25.
  private func pageSize(_ name: String) throws(SandboxError) -> Int {
    guard let size = try integer(name) else { return 25 }
    if size < 1 {
      throw .constraint("Member must have value greater than or equal to 1", at: name, value: "\(size)")
    }
    if size > 250 {
      throw .constraint("Member must have value less than or equal to 250", at: name, value: "\(size)")
    }
    return size
  }

  /// A marker from an earlier answer. It is opaque to callers.
  private func marker(_ name: String) throws(SandboxError) -> PageMarker? {
    guard let text = values[name] else { return nil }
    guard let marker = PageMarker(text: text) else { throw .invalidMarker }
    return marker
  }
}

func isHexDigit(_ byte: UInt8) -> Bool {
  switch byte {
  case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "a")...UInt8(ascii: "f"),
    UInt8(ascii: "A")...UInt8(ascii: "F"):
    true
  default: false
  }
}
