import CertRegCore

/// `text` as a whole number in decimal; `_` may group digits.
func wholeNumber(_ text: String) throws(ValueProblem) -> Int {
  let digits = text.replacing("_", with: "")
  guard isWholeNumber(digits), !text.hasPrefix("_"), !text.hasSuffix("_") else {
    throw ValueProblem("\(quoted(text)) is not a whole number")
  }
  if digits.count > 1, digits.hasPrefix("0") {
    throw ValueProblem("\(quoted(text)) begins with 0, which some YAML readers take for octal: leave the 0 out")
  }
  guard let value = Int(digits) else { throw ValueProblem("\(quoted(text)) is too large a number") }
  return value
}

private func isWholeNumber(_ text: String) -> Bool {
  let digits = text.hasPrefix("-") ? text.dropFirst() : text[...]
  return !digits.isEmpty && digits.utf8.allSatisfy { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
}

func inRange(_ value: Int, _ range: ClosedRange<Int>, written text: String) throws(ValueProblem) -> Int {
  guard range.contains(value) else {
    throw ValueProblem("\(quoted(text)) is out of range: \(grouped(range.lowerBound)) to \(grouped(range.upperBound))")
  }
  return value
}

/// `1000000` as `1,000,000`, for people.
func grouped(_ value: Int) -> String {
  let digits = Array(String(value.magnitude))
  var shown = value < 0 ? "-" : ""
  for (index, digit) in digits.enumerated() {
    if index > 0, (digits.count - index) % 3 == 0 { shown.append(",") }
    shown.append(digit)
  }
  return shown
}

/// `text` as a decimal number; infinities, hexadecimal and what else `Double` reads are refused.
func decimalNumber(_ text: String) throws(ValueProblem) -> Double {
  let allowed = text.utf8.allSatisfy { byte in
    switch byte {
    case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "."), UInt8(ascii: "-"), UInt8(ascii: "+"),
      UInt8(ascii: "e"),
      UInt8(ascii: "E"):
      true
    default: false
    }
  }
  guard allowed, let value = Double(text), value.isFinite else { throw ValueProblem("\(quoted(text)) is not a number") }
  return value
}

/// The shortest text that `decimalNumber` reads as the same number, without `.0`.
func formatNumber(_ value: Double) -> String {
  if value == value.rounded(), abs(value) < 1e15 { return String(Int64(value)) }
  return String(value)
}

// MARK: Durations

private let durationUnits: [(name: String, milliseconds: Int64)] = [
  ("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1000), ("ms", 1),
]

/// `30s`, `5m`, `1h30m`, `250ms`, `7d`, or a plain number of seconds; to the millisecond.
func parseDuration(_ text: String) throws(ValueProblem) -> Duration {
  let malformed = ValueProblem("\(quoted(text)) is not a duration such as 30s, 5m, 1h30m, 250ms or 7d")
  if let seconds = try? decimalNumber(text) { return .milliseconds(try wholeMilliseconds(seconds * 1000, malformed)) }
  var rest = text[...]
  var total: Int64 = 0
  var lastUnit = -1
  while !rest.isEmpty {
    let digits = rest.prefix { $0.isASCII && ($0.isNumber || $0 == ".") }
    let letters = rest.dropFirst(digits.count).prefix { $0.isASCII && $0.isLetter }
    // From larger to smaller and each unit once, so that `1m30` or `5s5m` is not half understood.
    guard let count = Double(digits), let unit = durationUnits.firstIndex(where: { $0.name == letters }),
      unit > lastUnit
    else { throw malformed }
    lastUnit = unit
    let part = try wholeMilliseconds(count * Double(durationUnits[unit].milliseconds), malformed)
    total += part
    rest = rest.dropFirst(digits.count + letters.count)
  }
  guard lastUnit >= 0 else { throw malformed }
  return .milliseconds(total)
}

private func wholeMilliseconds(_ value: Double, _ malformed: ValueProblem) throws(ValueProblem) -> Int64 {
  // The bound keeps a sum of all units far from overflow.
  guard value >= 0, value <= 1e16 else { throw malformed }
  let rounded = value.rounded()
  guard abs(value - rounded) < 1e-6 else { throw ValueProblem("a duration is a whole number of milliseconds") }
  return Int64(rounded)
}

func formatDuration(_ duration: Duration) -> String {
  var rest = duration.milliseconds
  if rest == 0 { return "0s" }
  var text = ""
  for unit in durationUnits where rest >= unit.milliseconds {
    text += "\(rest / unit.milliseconds)\(unit.name)"
    rest %= unit.milliseconds
  }
  return text
}

// MARK: Sizes

private let sizeUnits: [(name: String, bytes: Int)] = [
  ("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10), ("GB", 1_000_000_000), ("MB", 1_000_000), ("kB", 1000),
  ("B", 1),
]

/// A plain number of bytes, or one with a unit: `512KiB`, `32 MiB`, `2MB`.
func parseSize(_ text: String) throws(ValueProblem) -> Int {
  let digits = text.prefix { $0.isASCII && ($0.isNumber || $0 == "_") }
  let unit = text.dropFirst(digits.count).drop { $0 == " " }
  if digits.isEmpty { throw ValueProblem("\(quoted(text)) is not a size such as 524288, 512KiB or 32MiB") }
  let count = try wholeNumber(String(digits))
  if unit.isEmpty { return count }
  guard let factor = sizeUnits.first(where: { $0.name == unit })?.bytes else {
    let names = sizeUnits.map(\.name)
    throw ValueProblem(
      "\(quoted(text)) has no known unit: \(names.joined(separator: ", "))",
      suggestion: Suggestion.nearest(to: unit + (unit.count == 1 ? "iB" : ""), among: names).map { digits + $0 })
  }
  let (bytes, overflow) = count.multipliedReportingOverflow(by: factor)
  if overflow { throw ValueProblem("\(quoted(text)) is too large a size") }
  return bytes
}

func formatSize(_ bytes: Int) -> String {
  for unit in sizeUnits.prefix(3) where bytes > 0 && bytes % unit.bytes == 0 {
    return "\(bytes / unit.bytes)\(unit.name)"
  }
  return String(bytes)
}
