import CertRegCore

/// Why a text is not a value.
struct ValueProblem: Error {
  /// Follows the key's name: `"lots" is not a whole number`.
  var message: String
  /// What was probably meant.
  var suggestion: String?

  init(_ message: String, suggestion: String? = nil) {
    self.message = message
    self.suggestion = suggestion
  }
}

/// How a value of one type is written: in the file, in variables, in flags and in what `--print-config` prints.
struct ValueForm<Value: Sendable>: Sendable {
  /// For the documentation.
  var name: String
  var role = ValueRole.other
  var parse: @Sendable (String) throws(ValueProblem) -> Value
  /// `parse` makes the same value of it.
  var format: @Sendable (Value) -> String
}

/// What has to be known of a form to read it from the environment.
enum ValueRole: Sendable {
  /// Variables may say 1 and 0.
  case boolean
  /// In variables and flags a relative path counts from the working directory.
  case path
  case other
}

extension ValueForm<Bool> {
  static let boolean = ValueForm(name: "`true` or `false`", role: .boolean) { (text) throws(ValueProblem) -> Bool in
    // The words of YAML 1.1, which people and other tools go on writing.
    switch text.lowercased() {
    case "true", "yes", "on": return true
    case "false", "no", "off": return false
    default: throw ValueProblem("\(quoted(text)) is neither true nor false")
    }
  } format: {
    $0 ? "true" : "false"
  }
}

extension ValueForm<Int> {
  static func integer(_ range: ClosedRange<Int>) -> ValueForm {
    ValueForm(name: "whole number, \(grouped(range.lowerBound)) to \(grouped(range.upperBound))") {
      (text) throws(ValueProblem) -> Int in
      try inRange(wholeNumber(text), range, written: text)
    } format: {
      String($0)
    }
  }

  /// Bytes: a plain number, or one with a unit.
  static func size(_ range: ClosedRange<Int>) -> ValueForm {
    let (least, most) = (formatSize(range.lowerBound), formatSize(range.upperBound))
    return ValueForm(name: "size, \(least) to \(most)") { (text) throws(ValueProblem) -> Int in
      let bytes = try parseSize(text)
      guard range.contains(bytes) else { throw ValueProblem("\(quoted(text)) is out of range: \(least) to \(most)") }
      return bytes
    } format: {
      formatSize($0)
    }
  }
}

extension ValueForm<Double> {
  static func number(_ range: ClosedRange<Double>) -> ValueForm {
    ValueForm(name: "number, \(formatNumber(range.lowerBound)) to \(formatNumber(range.upperBound))") {
      (text) throws(ValueProblem) -> Double in
      let value = try decimalNumber(text)
      guard range.contains(value) else {
        throw ValueProblem(
          "\(quoted(text)) is out of range: \(formatNumber(range.lowerBound)) to \(formatNumber(range.upperBound))")
      }
      return value
    } format: {
      formatNumber($0)
    }
  }

  /// A part of a whole: `0.25` or `25%`.
  static let share = ValueForm(name: "part of the whole: `0.25` or `25%`") { (text) throws(ValueProblem) -> Double in
    let value = text.hasSuffix("%") ? try decimalNumber(String(text.dropLast())) / 100 : try decimalNumber(text)
    guard value > 0, value <= 1 else {
      throw ValueProblem("\(quoted(text)) is out of range: above 0, at most 1 (100%)")
    }
    return value
  } format: {
    formatNumber($0)
  }
}

extension ValueForm<Duration> {
  static func duration(_ range: ClosedRange<Duration>) -> ValueForm {
    let (least, most) = (formatDuration(range.lowerBound), formatDuration(range.upperBound))
    return ValueForm(name: "duration, \(least) to \(most)") { (text) throws(ValueProblem) -> Duration in
      let duration = try parseDuration(text)
      guard range.contains(duration) else { throw ValueProblem("\(quoted(text)) is out of range: \(least) to \(most)") }
      return duration
    } format: {
      formatDuration($0)
    }
  }
}

extension ValueForm where Value: RawRepresentable & CaseIterable & Equatable, Value.RawValue == String {
  /// One of the type's words, or of those given.
  static func word(_ words: [Value] = Array(Value.allCases)) -> ValueForm {
    let names = words.map(\.rawValue)
    return ValueForm(name: names.map { "`\($0)`" }.joined(separator: ", ")) { (text) throws(ValueProblem) -> Value in
      guard let value = Value(rawValue: text), words.contains(value) else {
        throw ValueProblem(
          "\(quoted(text)) is none of \(names.joined(separator: ", "))",
          suggestion: Suggestion.nearest(to: text, among: names))
      }
      return value
    } format: {
      $0.rawValue
    }
  }
}
