import CertRegCore
import CertRegTesting

/// Random JSON text, similar to requests.
struct RandomLine {
  var generator: SplitMix64

  /// An object of random members, mostly those of requests with mostly fitting values.
  mutating func object() -> String {
    var members: [String]
    if generator.once(in: 3) {
      // Otherwise hardly any line would be a request of another operation than `register`.
      members = generator.pick(Self.needed) + (0..<Int.random(in: 0...2, using: &generator)).map { _ in member() }
    } else {
      members = (0..<Int.random(in: 0...5, using: &generator)).map { _ in member() }
      if !generator.once(in: 3) { members.append("\(string("certificatePem", asName: true))\(space()):\(string())") }
    }
    if !generator.once(in: 3) { members.append("\"id\":\(space())\(id())") }
    members.shuffle(using: &generator)
    return space() + "{" + space() + members.joined(separator: space() + "," + space()) + space() + "}" + space()
  }

  /// The members that requests of each operation need.
  private static let needed: [[String]] = {
    let id = "\"certificateId\":\"\(String(repeating: "7d", count: 32))\""
    let pem = "\"certificatePem\":\"x\""
    return [
      ["\"op\":\"validate\"", pem], ["\"op\":\"lookup\"", id], ["\"op\":\"forget\"", id],
      ["\"op\":\"update\"", id, "\"status\":\"REVOKED\""], ["\"op\":\"update\"", pem, "\"status\":\"ACTIVE\""],
      ["\"op\":\"describe\"", id], ["\"op\":\"watch\""], ["\"op\":\"status\""], ["\"op\":\"metrics\""],
      ["\"op\":\"removeMember\"", "\"member\":\"line7\""],
    ]
  }()

  private static let damage =
    Array("{}[]:,\"\\/bfnrtu0123456789.eE+-aA \t\r\n'".utf8) + [0, 0x1f, 0x7f, 0x80, 0xc2, 0xe2, 0xed, 0xf0, 0xff]

  /// An object with one or two changes, which usually make it invalid.
  mutating func damagedObject() -> [UInt8] {
    var line = Array(object().utf8)
    for _ in 0..<Int.random(in: 1...2, using: &generator) where !line.isEmpty {
      let index = Int.random(in: 0..<line.count, using: &generator)
      switch Int.random(in: 0..<5, using: &generator) {
      case 0: line[index] = generator.pick(Self.damage)
      case 1: line.insert(generator.pick(Self.damage), at: index)
      case 2: line.remove(at: index)
      case 3: line.removeLast(line.count - index)
      default: line.swapAt(index, Int.random(in: 0..<line.count, using: &generator))
      }
    }
    return line
  }

  mutating func id() -> String {
    switch Int.random(in: 0..<4, using: &generator) {
    case 0: string()
    case 1: number()
    case 2: generator.pick(["null", "1", "0", "-1", "1e400", "1e308", "18446744073709551616"])
    default: String(UInt32.random(in: 0 ... .max, using: &generator))
    }
  }

  private mutating func member() -> String {
    let hex = String(repeating: generator.pick(["0", "a", "F"]), count: generator.once(in: 8) ? 63 : 64)
    let operations = [
      "register", "validate", "lookup", "forget", "update", "describe", "watch", "status", "metrics", "removeMember",
    ]
    let choices: [(String, [String])] = [
      ("op", operations.map { "\"\($0)\"" }),
      ("certificateId", ["\"\(hex)\""]),
      ("status", ["\"ACTIVE\"", "\"INACTIVE\"", "\"REVOKED\"", "\"PENDING_ACTIVATION\"", "\"active\"", "null"]),
      ("target", ["\"default\"", "[\"a\"]", "[\"a\", \"b\"]", "[]", "[1]", string(), value(depth: 2)]),
      ("ifExists", ["\"return\"", "\"error\"", "\"update\"", "\"retur\""]),
      (
        "deviceId",
        [
          string(), "\"d\"", "\"\"",
          "\"" + String(repeating: "é", count: 128 + Int.random(in: 0...1, using: &generator)) + "\"",
        ]
      ),
      (
        "attributes",
        [
          "{}", "{\(string("a", asName: true)):\(string()),\(space())\(string()):\(string())}", "{\"a\":1}",
          "{\(string("a", asName: true)):\"1\",\(string("a", asName: true)):\"2\"}", value(depth: 1),
          "{" + (0..<Int.random(in: 49...51, using: &generator)).map { "\"\($0)\":\"\"" }.joined(separator: ",") + "}",
          "{\"" + String(repeating: "🔐", count: 128 + Int.random(in: 0...1, using: &generator)) + "\":\"x\"}",
        ]
      ),
      ("provision", ["null", string(), "\"p\"", "false"]),
      ("refresh", ["true", "false", "0"]),
      ("wait", ["true", "false", "\"true\""]),
      ("timeoutMs", ["1", "300000", "300001", "0", "15000", "1.5", number()]),
      ("outcome", ["\"created\"", "\"existing\"", "\"updated\"", "\"failed\"", "\"queued\""]),
      (generator.pick(["zzz", "staus", "Op", "", "certificatePEM"]), ["1"]),
    ]
    // The first choices come more often, so that many lines are requests.
    let index = min(
      Int.random(in: 0..<choices.count, using: &generator), Int.random(in: 0..<choices.count, using: &generator))
    let (name, values) = choices[index]
    let chosen = generator.once(in: 12) ? value(depth: 1) : generator.pick(values)
    return "\(string(name, asName: true))\(space()):\(space())\(chosen)"
  }

  mutating func value(depth: Int) -> String {
    switch Int.random(in: 0..<(depth > 5 ? 5 : 7), using: &generator) {
    case 0: return string()
    case 1: return number()
    case 2: return "true"
    case 3: return "false"
    case 4: return "null"
    case 5:
      let elements = (0..<Int.random(in: 0...3, using: &generator)).map { _ in value(depth: depth + 1) }
      return "[" + space() + elements.joined(separator: space() + "," + space()) + space() + "]"
    default:
      let members = (0..<Int.random(in: 0...3, using: &generator)).map { _ in "\(string()):\(value(depth: depth + 1))" }
      return "{" + space() + members.joined(separator: ",") + space() + "}"
    }
  }

  mutating func string() -> String {
    var text = ""
    for _ in 0..<Int.random(in: 0...20, using: &generator) {
      text += generator.pick([
        "a", "Z", " ", "~", "0123456789abcdef", "ü", "設", "🔐", "\u{7f}", "\\n", "\\n", "\\\"", "\\\\", "\\/", "\\b",
        "\\f", "\\r",
        "\\t", "\\u0000", "\\u00fC", "\\u2028", "\\ud83d\\udd10",
      ])
    }
    if generator.once(in: 40) { text += generator.pick(["\\ud800", "\\udc00x", "\\ud800\\u0041"]) }
    return "\"\(text)\""
  }

  /// `text` in quotes, sometimes with escapes for some of its characters.
  mutating func string(_ text: String, asName: Bool) -> String {
    guard generator.once(in: 4) else { return "\"\(text)\"" }
    var written = ""
    for unit in text.utf16 {
      let digits = String(unit, radix: 16, uppercase: generator.once(in: 2))
      if generator.once(in: 3) {
        written += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
      } else {
        written += String(decoding: [unit], as: UTF16.self)
      }
    }
    return "\"\(written)\""
  }

  mutating func number() -> String {
    var text = generator.once(in: 3) ? "-" : ""
    text += generator.pick(["0", "7", "10", "123", "9007199254740993"])
    if generator.once(in: 3) { text += "." + generator.pick(["0", "5", "000001"]) }
    if generator.once(in: 3) {
      text +=
        generator.pick(["e", "E"]) + generator.pick(["", "+", "-"]) + generator.pick(["0", "12", "308", "309", "007"])
    }
    return text
  }

  private mutating func space() -> String {
    generator.once(in: 4) ? generator.pick([" ", "\t", "\r", "  ", "\n"]) : ""
  }
}
