import CertRegCodec
import CertRegCore
import Foundation
import Testing

@testable import CertRegClient

/// What was put into a source equals what comes out of it.
@Suite struct InputPropertyTests {
  /// One thing that a person puts into a source.
  private struct Unit {
    enum Kind: CaseIterable {
      case certificate
      case damaged
      case key
    }

    var kind: Kind
    var number: UInt8

    var deviceID: String { "device-\(number)" }
    var pem: String {
      switch kind {
      case .certificate: Sample.certificatePEM(number)
      case .key: Sample.pem("PRIVATE KEY", Sample.privateKey)
      case .damaged: Sample.certificatePEM(number).replacing("-----BEGIN", with: "----BEGIN")
      }
    }
    var base64: String {
      switch kind {
      case .certificate: Base64.encode(Sample.certificate(number))
      case .key: Base64.encode(Sample.privateKey + [0x04, 0x05, 1, 2, 3, 4, 5]).replacing("MAU", with: "MAw")
      case .damaged: "MAow!CKADAgECAgEB"
      }
    }
  }

  private struct Form: Sendable {
    var name: String
    var hasNames: Bool
    var text: @Sendable ([Unit], inout SplitMix64) -> String
  }

  private static let forms: [Form] = [
    Form(name: "a.pem", hasNames: false) { units, _ in "subject=x\n" + units.map(\.pem).joined() + "the end\n" },
    Form(name: "a.txt", hasNames: false) { units, _ in
      units.map { "  " + $0.pem.replacing("\n", with: "\n  ") + "\n" }.joined()
    },
    Form(name: "a.h", hasNames: false) { units, _ in
      units.map { "char c[] =\n  \"" + $0.pem.replacing("\n", with: "\\n\"\n  \"") + "\";\n" }.joined()
    },
    Form(name: "b.txt", hasNames: false) { units, _ in
      // The first line tells that each line is one.
      ([Unit(kind: .certificate, number: 255)] + units).map { $0.base64 + "\n" }.joined()
    },
    Form(name: "a.csv", hasNames: true) { units, generator in
      let separator = [",", ";", "\t"].randomElement(using: &generator) ?? ","
      let rows = units.map { unit in
        let cell = Bool.random(using: &generator) ? unit.pem : unit.pem.replacing("\n", with: "\\n")
        return "\(unit.deviceID)\(separator)\"\(cell)\"\(separator)\n"
      }
      return "Device-ID\(separator)CERT\(separator)note\n" + rows.joined() + "\(separator)\(separator)\n"
    },
    Form(name: "headless.csv", hasNames: true) { units, _ in
      ([Unit(kind: .certificate, number: 255)] + units).map { "\($0.deviceID),,\"\($0.pem)\"\n" }.joined()
    },
    Form(name: "a.jsonl", hasNames: true) { units, _ in
      units.map { unit in
        JSON.object([
          JSON.Member("device_id", .string(unit.deviceID)), JSON.Member("certificatePem", .string(unit.pem)),
        ]).serialized() + "\n"
      }.joined()
    },
    Form(name: "a.json", hasNames: true) { units, _ in
      "[\n"
        + units.map { unit in
          "  {\n    \"thingName\": \"\(unit.deviceID)\",\n    \"cert\": \"\(unit.pem.replacing("\n", with: "\\n"))\"\n  }"
        }.joined(separator: ",\n") + "\n]\n"
    },
  ]

  private static func encoded(_ text: String, _ generator: inout SplitMix64) -> [UInt8] {
    let end = ["\n", "\r\n", "\r"].randomElement(using: &generator) ?? "\n"
    let lines = text.replacing("\n", with: end)
    let mark = Bool.random(using: &generator) ? "\u{FEFF}" : ""
    switch Int.random(in: 0..<3, using: &generator) {
    case 0: return Array((mark + lines).utf8)
    case 1: return (mark + lines).utf16.flatMap { [UInt8($0 & 255), UInt8($0 >> 8)] }
    default: return (mark + lines).utf16.flatMap { [UInt8($0 >> 8), UInt8($0 & 255)] }
    }
  }

  @Test func `all that is put in is created, failed or passed over, with the right names`() throws {
    let seed = UInt64.random(in: 0...UInt64.max)
    var generator = SplitMix64(seed: seed)
    for round in 0..<200 {
      let form = Self.forms[round % Self.forms.count]
      let units = (0..<Int.random(in: 1...20, using: &generator)).map { number in
        Unit(kind: Unit.Kind.allCases.randomElement(using: &generator) ?? .key, number: UInt8(number))
      }
      let folder = try TemporaryFolder()
      let content = Self.encoded(form.text(units, &generator), &generator)
      let depth = Int.random(in: 0...2, using: &generator)
      try folder.write(String(repeating: "d/", count: depth) + form.name, content)
      let entries = try allEntries(folder.root).filter { pem($0) != Sample.certificatePEM(255) }
      let message = "seed \(seed), round \(round), \(form.name)"
      let good = units.filter { $0.kind == .certificate }
      #expect(entries.compactMap(pem) == good.map(\.pem), "\(message)")
      if form.hasNames {
        #expect(entries.filter { pem($0) != nil }.map(\.deviceID) == good.map(\.deviceID), "\(message)")
      }
      // In a table without headings, a row with nothing but a key lacks its certificate.
      let lacking = form.name == "headless.csv" ? units.count { $0.kind == .key } : 0
      #expect(
        entries.count { fault($0) != nil } == units.count { $0.kind == .damaged } + lacking, "\(message)")
      #expect(entries.count { thing($0) == .privateKey } == units.count { $0.kind == .key }, "\(message)")
    }
  }
}
