import CertRegProtocol
import CertRegTesting
import Foundation
import Testing

/// Compares our reading of JSON with Foundation and Python: which lines are one object, and their `certificatePem`.
@Suite struct DifferentialTests {
  /// A reader's result for a line.
  private struct Reading {
    /// Whether the line is one JSON object.
    var isObject: Bool
    /// UTF-16, because Python's strings may have half surrogate pairs.
    var certificatePem: [UInt16]?
  }

  private static func lines(_ what: String, count: Int) -> [[UInt8]] {
    var random = RandomLine(generator: .announced(what))
    return (0..<count).map { _ in random.generator.once(in: 2) ? random.damagedObject() : Array(random.object().utf8) }
  }

  /// Compares our parser with another reader on one line, and returns the difference.
  private static func difference(_ line: [UInt8], _ theirs: Reading) -> String? {
    let parsed = ParsedLine(line)
    let isObject = parsed.reason.map { !grammarReasons.contains($0) } ?? true
    if isObject != theirs.isObject { return "is an object to us: \(isObject) (\(parsed.reason ?? "accepted"))" }
    guard let request = parsed.request, let text = parsed.string(request.certificatePem) else { return nil }
    return Array(text.utf16) == theirs.certificatePem ? nil : "has another certificatePem"
  }

  private static func show(_ line: [UInt8]) -> String {
    String(decoding: line, as: UTF8.self).debugDescription
  }

  // MARK: Foundation

  private static func readByFoundation(_ line: [UInt8]) -> Reading {
    let object = try? JSONSerialization.jsonObject(with: Data(line)) as? [String: Any]
    let text = object?["certificatePem"] as? String
    return Reading(isObject: object != nil, certificatePem: text.map { Array($0.utf16) })
  }

  /// Lines that Foundation reads against RFC 8259.
  private static func isFoundationsOwn(_ line: [UInt8]) -> Bool {
    let text = String(decoding: line, as: UTF8.self)
    let pair = /\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}/
    let withoutPairs = text.replacing(#"\\"#, with: "").replacing(pair, with: "")
    // It refuses half surrogate pairs and numbers that no double holds. It accepts a comma before the end, UTF-16 and
    // byte-order marks.
    return withoutPairs.contains(/\\u[dD][89a-fA-F]/)
      || text.contains(/[0-9][eE]\+?0*[1-9][0-9]{2,}/)
      || text.contains(/,[ \t\r\n]*[}\]]/) || line.contains(0) || text.hasPrefix("\u{feff}")
  }

  @Test func `agrees with Foundation`() {
    var compared = 0
    for line in Self.lines("lines for Foundation", count: 6000) where !Self.isFoundationsOwn(line) {
      compared += 1
      if let difference = Self.difference(line, Self.readByFoundation(line)) {
        Issue.record("\(Self.show(line)) \(difference)")
      }
    }
    #expect(compared > 3000)
  }

  // MARK: Python

  /// Reads lines in hexadecimal and writes for each `-`, or `+` and the UTF-16 of `certificatePem` in hexadecimal.
  private static let script = """
    import json, sys
    def refuse(name):
        raise ValueError(name)
    for line in sys.stdin:
        try:
            value = json.loads(bytes.fromhex(line).decode("utf-8"), parse_constant=refuse)
        except (ValueError, RecursionError):
            value = None
        if not isinstance(value, dict):
            print("-")
        else:
            text = value.get("certificatePem")
            print("+", text.encode("utf-16-le", "surrogatepass").hex() if isinstance(text, str) else "")
    """

  private static func readByPython(_ lines: [[UInt8]]) throws -> [Reading] {
    let file = FileManager.default.temporaryDirectory.appending(path: "lines-\(UUID().uuidString.prefix(8))")
    let hex = lines.map { $0.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined() + "\n" }.joined()
    try Data(hex.utf8).write(to: file)
    defer { try? FileManager.default.removeItem(at: file) }
    let process = Process()
    process.executableURL = URL(filePath: "/usr/bin/env")
    process.arguments = ["python3", "-c", script]
    process.standardInput = try FileHandle(forReadingFrom: file)
    let output = Pipe()
    process.standardOutput = output
    try process.run()
    let answers = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    process.waitUntilExit()
    return answers.split(separator: "\n").map { answer in
      let digits = Array(answer.dropFirst(2).utf8)
      let units = stride(from: 0, to: digits.count - 3, by: 4).map { index in
        UInt16(String(decoding: digits[index..<index + 4], as: UTF8.self), radix: 16)?.byteSwapped ?? 0
      }
      return Reading(isObject: answer.first == "+", certificatePem: units)
    }
  }

  @Test func `agrees with Python on every line`() throws {
    let lines = Self.lines("lines for Python", count: 10_000)
    let readings = try Self.readByPython(lines)
    try #require(readings.count == lines.count)
    for (line, reading) in zip(lines, readings) {
      if let difference = Self.difference(line, reading) { Issue.record("\(Self.show(line)) \(difference)") }
    }
    #expect(readings.count { $0.isObject } > 4000)
    #expect(readings.count { !$0.isObject } > 2000)
  }
}
