import CertRegCodec
import CertRegCore
import CertRegTesting
import Foundation
import Testing

@testable import CertRegClient

/// Certificates without BEGIN lines whose first characters are damaged, beside others that are whole.
@Suite struct HeadlessTests {
  /// What stands around the digits of a certificate, on one line or on many.
  static let dressings: [@Sendable (String) -> String] = [
    { $0 + "\n\n" }, { "cert: \($0)\n" }, { "<cert>\($0)</cert>\n" }, { "INSERT INTO d VALUES ('7', '\($0)');\n" },
    { "const char *c = \"\($0)\";\n" }, { wrapped($0, 64) + "\n" }, { wrapped($0, 76) },
    { "userCertificate;binary:: " + wrapped($0, 76).replacing("\n", with: "\n ").dropLast() + "\ncn: d\n" },
    { "cert: |\n    " + wrapped($0, 64).replacing("\n", with: "\n    ") + "\n" },
    { "c =\n  \"" + wrapped($0, 64).dropLast().replacing("\n", with: "\"\n  \"") + "\";\n" },
  ]

  private static func wrapped(_ text: String, _ width: Int) -> String {
    let text = Array(text.utf8)
    return stride(from: 0, to: text.count, by: width).map { start in
      String(decoding: text[start..<min(start + width, text.count)], as: UTF8.self) + "\n"
    }.joined()
  }

  private static func hex(_ bytes: [UInt8]) -> String {
    bytes.map { hexadecimal(UInt32($0), digits: 2) }.joined()
  }

  /// The text with damage at a place.
  private static func damaged(_ text: String, at place: Int) -> [String] {
    let (head, rest) = (text.prefix(place), text.dropFirst(place))
    return ["?", ".", "**"].map { head + $0 + rest.dropFirst($0.count) } + [String(head + rest.dropFirst())]
  }

  @Test(arguments: dressings.indices)
  func `a certificate whose first characters are damaged fails, and the others are taken`(dressing: Int) throws {
    let folder = try TemporaryFolder()
    let dress = Self.dressings[dressing]
    let issued = try ["d1", "d2", "d3"].map {
      try Issuer(folder, $0, options: ["-addext", "basicConstraints=CA:FALSE"])
    }
    for digits in [issued.map { Base64.encode($0.der) }, issued.map { Self.hex($0.der) }] {
      // A line of another length is no part of the others.
      for place in [0, 1, 3, 6, 11, 18, 30] {
        for text in Self.damaged(digits[1], at: place) {
          let entries = try fileEntries("a.txt", dress(digits[0]) + dress(text) + dress(digits[2]))
          let names = entries.compactMap { entry -> String? in
            if case .certificate(let certificate) = entry.content { certificate.commonName } else { nil }
          }
          #expect(names == ["d1", "d3"], "place \(place): \(text.prefix(40)): \(entries)")
          // The daemon judges what can be decoded.
          let others = entries.count { entry in
            if case .certificate(let certificate) = entry.content {
              certificate.outline == nil
            } else {
              fault(entry) != nil
            }
          }
          #expect(others == 1 && entries.count == 3, "place \(place): \(text.prefix(40)): \(entries.map(\.content))")
        }
      }
    }
  }

  @Test func `base64 of a block whose first characters are damaged fails`() throws {
    let folder = try TemporaryFolder()
    let issuer = try Issuer(folder, "d1", options: ["-addext", "basicConstraints=CA:FALSE"])
    let text = Base64.encode(issuer.certificatePEM)
    for place in [0, 2, 6] {
      let entries = try fileEntries("a.yaml", "a: \(text)\nb: \(Self.damaged(text, at: place)[0])\n")
      #expect(entries.count { pem($0) != nil } == 1 && entries.count { fault($0) != nil } == 1, "\(entries)")
    }
  }

  @Test func `other content with certificates in it is not damaged`() throws {
    let folder = try TemporaryFolder()
    let issuer = try Issuer(folder, "d1", options: ["-addext", "basicConstraints=CA:FALSE"])
    var generator = SplitMix64.announced("bytes in front of a certificate")
    let block = String(decoding: issuer.certificatePEM, as: UTF8.self)
    for count in [12, 13, 14, 30, 300] {
      let front = (0..<count).map { _ in UInt8.random(in: 0x80...0xFF, using: &generator) }
      for digits in [Base64.encode(front + issuer.der), Self.hex(front + issuer.der)] {
        #expect(try fileEntries("a.txt", block + "store: \(digits)\n").count == 1, "\(count)")
      }
    }
    let script = "#!/bin/sh\n# CERTIFICATE is a CERTIFICATE\n" + String(repeating: "# x\n", count: 60)
    #expect(try fileEntries("a.txt", block + "run: \(Base64.encode(Array(script.utf8)))\n").count == 1)
  }

  @Test func `of hexadecimal digits one on each line only the damaged ones fail`() throws {
    let folder = try TemporaryFolder()
    let issued = try ["d1", "d2", "d3"].map {
      try Issuer(folder, $0, options: ["-addext", "basicConstraints=CA:FALSE"])
    }
    for lines in [issued.map { Self.hex($0.der) }, issued.map { Base64.encode($0.der) }] {
      for damaged in [lines[0].dropLast(), lines[0].prefix(100) + "7" + lines[0].dropFirst(100), lines[0].prefix(400)] {
        let entries = try fileEntries("a.txt", "\(damaged)\n\(lines[1])\n\(lines[2])\n")
        let taken = entries.compactMap(pem)
        #expect(taken.suffix(2) == issued.dropFirst().map { PEM.certificate(der: $0.der) }, "\(entries)")
        #expect(entries.count == 3 && entries.dropFirst().allSatisfy { fault($0) == nil })
        #expect(entries.dropFirst().map(\.place).allSatisfy { $0.hasSuffix(":2") || $0.hasSuffix(":3") })
      }
    }
  }
}
