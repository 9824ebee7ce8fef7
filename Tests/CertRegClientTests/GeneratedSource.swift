import CertRegArchive
import CertRegCodec
import CertRegCore
import CertRegTesting

@testable import CertRegClient

/// One thing that a person puts into a source.
struct GeneratedUnit {
  enum Kind: CaseIterable {
    case certificate
    case damaged
    case key
  }

  var kind: Kind
  var number: UInt8

  var deviceID: String { "Gerät-\(number)" }
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

  /// The certificate that a form puts first, so that its files can be told apart from others.
  static let first = GeneratedUnit(kind: .certificate, number: 255)
}

/// A way to write units into a file.
struct GeneratedForm: Sendable {
  var name: String
  /// Whether the file names the devices.
  var hasNames: Bool
  var text: @Sendable ([GeneratedUnit], inout SplitMix64) -> String

  static let all: [GeneratedForm] = [
    GeneratedForm(name: "a.pem", hasNames: false) { units, _ in
      "subject=é\n" + units.map(\.pem).joined() + "the end\n"
    },
    GeneratedForm(name: "a.txt", hasNames: false) { units, _ in
      units.map { "  " + $0.pem.replacing("\n", with: "\n  ") + "\n" }.joined()
    },
    GeneratedForm(name: "a.h", hasNames: false) { units, _ in
      units.map { "char c[] =\n  \"" + $0.pem.replacing("\n", with: "\\n\"\n  \"") + "\";\n" }.joined()
    },
    GeneratedForm(name: "b.txt", hasNames: false) { units, _ in
      // The first line tells that each line is one.
      ([GeneratedUnit.first] + units).map { $0.base64 + "\n" }.joined()
    },
    GeneratedForm(name: "a.csv", hasNames: true) { units, generator in
      let separator = [",", ";", "\t"].randomElement(using: &generator) ?? ","
      let rows = units.map { unit in
        let cell = Bool.random(using: &generator) ? unit.pem : unit.pem.replacing("\n", with: "\\n")
        return "\(unit.deviceID)\(separator)\"\(cell)\"\(separator)\n"
      }
      return "Device-ID\(separator)CERT\(separator)note\n" + rows.joined() + "\(separator)\(separator)\n"
    },
    GeneratedForm(name: "headless.csv", hasNames: true) { units, _ in
      ([GeneratedUnit.first] + units).map { "\($0.deviceID),,\"\($0.pem)\"\n" }.joined()
    },
    GeneratedForm(name: "a.jsonl", hasNames: true) { units, _ in
      units.map { unit in
        JSON.object([
          JSON.Member("device_id", .string(unit.deviceID)), JSON.Member("certificatePem", .string(unit.pem)),
        ]).serialized() + "\n"
      }.joined()
    },
    GeneratedForm(name: "a.json", hasNames: true) { units, _ in
      "[\n"
        + units.map { unit in
          "  {\n    \"thingName\": \"\(unit.deviceID)\",\n    \"cert\": \"\(unit.pem.replacing("\n", with: "\\n"))\"\n  }"
        }.joined(separator: ",\n") + "\n]\n"
    },
  ]

  /// The file's bytes, with line ends and an encoding drawn from the generator.
  func bytes(_ units: [GeneratedUnit], _ generator: inout SplitMix64) -> [UInt8] {
    let text = text(units, &generator)
    let lines = text.replacing("\n", with: ["\n", "\r\n", "\r"].randomElement(using: &generator) ?? "\n")
    let marked = (Bool.random(using: &generator) ? "\u{FEFF}" : "") + lines
    switch Int.random(in: 0..<4, using: &generator) {
    case 0: return Array(marked.utf8)
    case 1: return marked.utf16.flatMap { [UInt8($0 & 255), UInt8($0 >> 8)] }
    case 2: return marked.utf16.flatMap { [UInt8($0 >> 8), UInt8($0 & 255)] }
    // Windows-1252, which has no mark.
    default: return lines.unicodeScalars.map { UInt8($0.value) }
    }
  }
}

/// Archives around files.
enum GeneratedArchive {
  private static let formats = ArchiveFixture.Format.allCases.filter { $0 != .raw && $0 != .v7 }
  private static let filters: [ArchiveKind?] = [nil, .gzip, .bzip2, .xz, .zstd]

  /// An archive with the files, within one another `depth` times.
  static func bytes(_ files: [Member], depth: Int, _ generator: inout SplitMix64) throws -> [UInt8] {
    let note = Member(path: "inner/README", content: Array("of the supplier\n".utf8))
    let members = (files + [note]).shuffled(using: &generator)
    let format = formats.randomElement(using: &generator) ?? .pax
    // What is read from its end has its own compression.
    let takesFilter = format != .zip && format != .sevenZip
    let filter = takesFilter ? filters.randomElement(using: &generator) ?? nil : nil
    let archive = try ArchiveFixture(format, members, filter: filter).bytes()
    guard depth > 1 else { return archive }
    return try bytes([Member(path: "part \(depth)/inner.bin", content: archive)], depth: depth - 1, &generator)
  }
}
