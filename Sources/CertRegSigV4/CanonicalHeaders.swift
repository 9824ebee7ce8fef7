/// The headers of a request that a signature covers.
package enum SignedHeaderSelection: Sendable {
  /// All headers except those that proxies and clients change on the way. Used by signers.
  case allButVolatile
  /// The named headers, in lower case. A header that the request does not have counts as empty. Used by verifiers.
  case named([String])

  /// Headers that AWS's signers never cover.
  static let volatile: Set<String> = ["authorization", "expect", "transfer-encoding", "user-agent", "x-amzn-trace-id"]
}

/// The headers block of a canonical request.
struct CanonicalHeaders {
  /// Lower-case names in order, each once.
  private(set) var names: [String] = []
  private var values: [[UInt8]] = []

  /// Selects and sorts headers. The values of a repeated header are joined by commas in their order.
  init(_ headers: [(name: String, value: String)], selection: SignedHeaderSelection) {
    var fields = headers.map { (name: lowercased($0.name), value: $0.value) }
    switch selection {
    case .allButVolatile:
      fields.removeAll { SignedHeaderSelection.volatile.contains($0.name) }
    case .named(let wanted):
      let wantedNames = Set(wanted)
      fields.removeAll { !wantedNames.contains($0.name) }
      let present = Set(fields.map(\.name))
      for name in wanted where !present.contains(name) { fields.append((name, "")) }
    }
    // `sort` need not be stable: the index keeps the order of equal names.
    let order = fields.indices.sorted { left, right in
      fields[left].name == fields[right].name ? left < right : precedes(fields[left].name, fields[right].name)
    }
    names.reserveCapacity(order.count)
    values.reserveCapacity(order.count)
    for index in order {
      let field = fields[index]
      if names.last == field.name {
        values[values.count - 1].append(UInt8(ascii: ","))
        appendTrimmed(field.value, to: &values[values.count - 1])
      } else {
        names.append(field.name)
        var value: [UInt8] = []
        value.reserveCapacity(field.value.utf8.count)
        appendTrimmed(field.value, to: &value)
        values.append(value)
      }
    }
  }

  /// Appends `name:value` lines, each ended by LF.
  func append(to target: inout [UInt8]) {
    for (name, value) in zip(names, values) {
      target.append(contentsOf: name.utf8)
      target.append(UInt8(ascii: ":"))
      target.append(contentsOf: value)
      target.append(UInt8(ascii: "\n"))
    }
  }
}

/// Appends `value` without white space at its ends and with every run of white space inside it, a folded line included,
/// made one space.
private func appendTrimmed(_ value: String, to target: inout [UInt8]) {
  var needsSpace = false
  var isFirst = true
  for byte in value.utf8 {
    switch byte {
    case UInt8(ascii: " "), UInt8(ascii: "\t"), UInt8(ascii: "\n"), UInt8(ascii: "\r"):
      needsSpace = !isFirst
    default:
      if needsSpace { target.append(UInt8(ascii: " ")) }
      target.append(byte)
      needsSpace = false
      isFirst = false
    }
  }
}

/// `name` with ASCII letters in lower case; header names have no others (RFC 9110 section 5.1).
private func lowercased(_ name: String) -> String {
  let hasUpper = name.utf8.contains { $0 >= UInt8(ascii: "A") && $0 <= UInt8(ascii: "Z") }
  return hasUpper ? name.lowercased() : name
}

/// Order by code unit, on which signer and verifier have to agree.
private func precedes(_ left: String, _ right: String) -> Bool {
  left.utf8.lexicographicallyPrecedes(right.utf8)
}
