import CertRegCore
import Logging

/// How the log looks on standard error.
package enum LogFormat: String, CaseIterable, Sendable {
  /// `2026-11-24T08:09:10.123Z info message key=value`, for people.
  case text
  /// One JSON object a line, for collectors.
  case json

  /// Appends `record` to `text` as one line, with its LF.
  package func append(_ record: LogRecord, to text: inout String) {
    switch self {
    case .text: Self.appendTextLine(record, to: &text)
    case .json: text += Self.jsonLine(record)
    }
  }

  /// Piece by piece: each interpolation would be a text of its own, for each field of each registration.
  private static func appendTextLine(_ record: LogRecord, to line: inout String) {
    line += record.time.rfc3339
    line += " "
    line += record.level.rawValue
    line += " "
    line += record.message
    for field in record.fields {
      line += " "
      line += field.name
      line += "="
      line += quotedIfNeeded(field.value)
    }
    line += "\n"
  }

  /// Values that a reader could not tell apart from what follows are quoted.
  private static func quotedIfNeeded(_ value: String) -> String {
    let isPlain = value.hasOnly { $0 > 0x20 && $0 != UInt8(ascii: "\"") && $0 != UInt8(ascii: "=") }
    return isPlain && !value.isEmpty ? value : "\"" + value.replacing("\"", with: "\\\"") + "\""
  }

  private static func jsonLine(_ record: LogRecord) -> String {
    var line = "{\"time\":\"\(record.time.rfc3339)\",\"level\":\"\(record.level.rawValue)\""
    line += ",\"logger\":\(jsonString(record.label)),\"message\":\(jsonString(record.message))"
    for field in record.fields where !reservedNames.contains(field.name) {
      line += ",\(jsonString(field.name)):\(jsonString(field.value))"
    }
    return line + "}\n"
  }

  /// A field must not appear to be the line's own member.
  private static let reservedNames: Set<String> = ["time", "level", "logger", "message"]

  /// Records hold no control characters any more, so quote and backslash are all that RFC 8259 section 7 asks for.
  private static func jsonString(_ text: String) -> String {
    var result = "\""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "\"": result += "\\\""
      case "\\": result += "\\\\"
      case "\u{0}"..."\u{1F}": result += "\\u00" + (scalar.value < 16 ? "0" : "") + String(scalar.value, radix: 16)
      default: result.unicodeScalars.append(scalar)
      }
    }
    return result + "\""
  }
}
