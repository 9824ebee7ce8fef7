import CertRegCodec
import CertRegCore
import CertRegTesting
import Testing

@testable import CertRegClient

/// Certificates and keys without BEGIN lines, in texts of any kind.
@Suite struct DressedLineTests {
  /// A certificate or a key, and the lines that it stands on.
  private struct Unit {
    var isKey: Bool
    var pem: String
    var lines: [String]

    init(number: UInt8, _ generator: inout SplitMix64) {
      isKey = Int.random(in: 0..<4, using: &generator) == 0
      let der = isKey ? Self.key(number) : Self.certificate(number)
      pem = isKey ? Sample.pem("PRIVATE KEY", der) : PEM.certificate(der: der)
      let digits = Self.encodings[Int.random(in: Self.encodings.indices, using: &generator)](der, pem)
      lines = Self.dressings[Int.random(in: Self.dressings.indices, using: &generator)](digits)
    }

    /// Names, and as many bytes more as real ones have.
    private static func certificate(_ number: UInt8) -> [UInt8] {
      let names: [[UInt8]] = [0, number].map { [0x30, 0x03, 0x13, 0x01, $0] }
      let key = [0x30, 0x82, 0x01, 0x00] + [UInt8](repeating: 0x55, count: 256)
      let body = [0x02, 0x01, number, 0x30, 0x02, 0x05, 0x00] + names[0] + [0x30, 0x00] + names[1] + key
      return [0x30, 0x82, 0x01, UInt8(body.count + 4 - 256), 0x30, 0x82, 0x01, UInt8(body.count - 256)] + body
    }

    private static func key(_ number: UInt8) -> [UInt8] {
      let algorithm: [UInt8] = [0x30, 0x0B, 0x06, 0x09, 0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01, 0x01, 0x01]
      let body = [0x02, 0x01, 0x00] + algorithm + [0x04, 0x81, 0xB0, number] + [UInt8](repeating: 0x55, count: 175)
      return [0x30, 0x81, UInt8(body.count)] + body
    }

    private static let encodings: [@Sendable ([UInt8], String) -> String] = [
      { der, _ in Base64.encode(der) },
      { _, pem in Base64.encode(Array(pem.utf8)) },
      { _, pem in Base64.encode(Array(Base64.encode(Array(pem.utf8)).utf8)) },
      { der, _ in
        Base64.encode(der).replacing("+", with: "-").replacing("/", with: "_").replacing("=", with: "")
      },
      { der, _ in hexadecimal(der).joined() },
      { der, _ in hexadecimal(der).joined(separator: ":") },
      { der, _ in hexadecimal(der).joined(separator: " ").uppercased() },
      { der, _ in hexadecimal(der).map { "0x\($0)" }.joined(separator: ", ") },
      { der, _ in hexadecimal(der).map { "\\x\($0)" }.joined() },
    ]

    private static func hexadecimal(_ bytes: [UInt8]) -> [String] {
      bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }
    }

    private static let dressings: [@Sendable (String) -> [String]] = [
      { ["key: \($0)"] }, { ["\"\($0)\","] }, { ["<t>\($0)</t>"] }, { ["K=\($0)"] }, { ["  cert = \"\($0)\";"] },
      { ["- \($0)"] }, { ["dev-1 \($0) issued"] }, { ["# \($0)"] }, { ["it follows:"] + wrapped($0) + [""] },
      { digits in
        let lines = wrapped(digits)
        return ["userCertificate;binary:: \(lines[0])"] + lines.dropFirst().map { " \($0)" }
      },
      { digits in
        let lines = wrapped(digits)
        return ["<a:X509Certificate>\(lines[0])"] + lines.dropFirst().dropLast() + [
          "\(lines[lines.count - 1])</a:X509Certificate>"
        ]
      },
      { ["static const x[] = {"] + wrapped($0).map { "  \($0)" } + ["};"] },
      { digits in
        let lines = wrapped(digits)
        return lines.dropLast().map { "    \"\($0)\" & _" } + ["    \"\(lines[lines.count - 1])\""]
      },
      { ["x = ("] + wrapped($0).map { "  \"\($0)\"" } + [")"] },
    ]

    /// Lines of 60 characters, of which each form of byte has a whole number.
    private static func wrapped(_ digits: String) -> [String] {
      let text = Array(digits.utf8)
      return stride(from: 0, to: text.count, by: 60).map { start in
        String(decoding: text[start..<min(start + 60, text.count)], as: UTF8.self)
      }
    }
  }

  @Test func `finds certificates and keys however they are written and whatever stands around them`() throws {
    let seed = UInt64.random(in: 0...UInt64.max)
    var generator = SplitMix64(seed: seed)
    for round in 0..<400 {
      let units = (1...UInt8.random(in: 1...5, using: &generator)).map { Unit(number: $0, &generator) }
      let block = Sample.certificatePEM(99)
      let head = ["", "a text\n", block][round % 3]
      let text = head + units.map { $0.lines.joined(separator: "\n") + "\n" }.joined()
      let found = try fileEntries("a.txt", text)
      let expected = units.filter { !$0.isKey }.map(\.pem) + (head == block ? [block] : [])
      let message = "seed \(seed), round \(round):\n\(text)"
      #expect(found.compactMap(pem).sorted() == expected.sorted(), "\(message)")
      let keys = found.count { entry in
        let failed = if case .failure(let error) = entry.content { error.otherContent } else { nil as OtherContent? }
        return (failed ?? otherContent(entry)) == .privateKey
      }
      #expect(keys == units.count(where: \.isKey), "\(message)")
      if found.compactMap(pem).count != expected.count { break }
    }
  }
}
