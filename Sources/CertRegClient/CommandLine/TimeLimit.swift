import CertRegCore

/// Reads the value of `--timeout`: seconds, or a number with a unit. The range is that of `timeoutMs` on the wire.
package enum TimeLimit {
  /// Why a text is not a time limit.
  package struct Fault: Error, Hashable, CustomStringConvertible {
    /// Says what was expected.
    package let description: String
  }

  private static let range = Duration.milliseconds(1) ... .seconds(300)
  /// The factor of a unit in milliseconds.
  private static let units: [String: Double] = [
    "": 1000, "ms": 1, "s": 1000, "m": 60_000, "min": 60_000, "h": 3_600_000,
  ]

  /// The duration of `text`: `30`, `30s`, `1.5`, `500ms`, `5m`.
  ///
  /// - Throws: `Fault` for anything else, and for times outside of 1 ms to 300 s.
  package static func duration(_ text: String) throws(Fault) -> Duration {
    let digits = text.prefix { $0.isASCII && ($0.isNumber || $0 == ".") }
    guard let number = Double(digits), let unit = units[String(text.dropFirst(digits.count))] else {
      throw Fault(description: "expected seconds, or a number with a unit: 30, 500ms, 30s, 5m")
    }
    let milliseconds = number * unit
    guard milliseconds <= Double(range.upperBound.milliseconds), let whole = milliseconds.rounded().wholeNumber,
      range.contains(.milliseconds(Int64(whole)))
    else { throw Fault(description: "expected a time from 1ms to 300s (5m); a plain number is seconds") }
    return .milliseconds(Int64(whole))
  }
}
