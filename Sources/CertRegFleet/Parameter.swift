import CertRegCore

/// A parameter of a statement, in PostgreSQL's text form.
enum Parameter {
  case null
  case text(String)

  static func integer(_ number: some BinaryInteger) -> Parameter { .text(String(number)) }

  static func double(_ number: Double?) -> Parameter { number.map { .text("\($0)") } ?? .null }

  /// An array of `bytea`.
  static func bytes(_ elements: some Sequence<[UInt8]>) -> Parameter {
    array(elements.map { "\"\\\\x\(hex($0))\"" })
  }

  static func integers(_ elements: some Sequence<Int64>) -> Parameter { array(elements.map { String($0) }) }

  static func bools(_ elements: some Sequence<Bool>) -> Parameter { array(elements.map { $0 ? "t" : "f" }) }

  static func doubles(_ elements: some Sequence<Double?>) -> Parameter {
    array(elements.map { $0.map { "\($0)" } ?? "NULL" })
  }

  /// An array of texts, `nil` for NULL.
  static func texts(_ elements: some Sequence<String?>) -> Parameter {
    array(
      elements.map { element in
        guard let element else { return "NULL" }
        var quoted = "\""
        for character in element.unicodeScalars where character != "\0" {
          if character == "\"" || character == "\\" { quoted.append("\\") }
          quoted.unicodeScalars.append(character)
        }
        return quoted + "\""
      })
  }

  private static func array(_ elements: [String]) -> Parameter { .text("{\(elements.joined(separator: ","))}") }

  private static func hex(_ bytes: [UInt8]) -> String {
    String(unsafeUninitializedCapacity: 2 * bytes.count) { buffer in
      for (index, byte) in bytes.enumerated() {
        buffer[2 * index] = SHA256Digest.hexDigit(byte >> 4)
        buffer[2 * index + 1] = SHA256Digest.hexDigit(byte & 15)
      }
      return 2 * bytes.count
    }
  }
}

extension Parameter {
  /// The certificates and targets of keys, as two arrays.
  static func keys(_ keys: [FleetKey]) -> [Parameter] {
    [.bytes(keys.map(\.certificateID.bytes)), .texts(keys.map(\.target))]
  }
}
