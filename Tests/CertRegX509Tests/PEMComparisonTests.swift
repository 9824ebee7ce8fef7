import CertRegCore
import Testing

@testable import CertRegX509

/// Random damage to texts, judged by us and by OpenSSL.
@Suite struct PEMComparisonTests {
  private static let pieces = [
    "", " ", "\t", "\r", "\n", "\n\n", "-", "=", "==", ":", "*", "A", "\0", "A\0A", "\u{0c}",
    "\u{a0}", "\u{feff}", "text", "a: b",
    "-----BEGIN CERTIFICATE-----", "-----END CERTIFICATE-----", "-----BEGIN X-----\nAAAA\n-----END X-----\n",
    "-----BEGIN X\0Y-----\nAAAA\0*\n-----END X-----\n",
    "-----BEGIN X-----\n-----END X-----\n", "-----BEGIN X-----\nProc-Type: 4,ENCRYPTED\n\nAAAA\n-----END X-----\n",
    String(repeating: "x", count: 253), String(repeating: "x", count: 254), String(repeating: " ", count: 254),
  ]

  private static func damaged(_ generator: inout SplitMix64) -> String {
    let width = [1, 20, 63, 64, 65, 76, 77, 253, 254, 255, 508, 5000].randomElement(using: &generator) ?? 64
    var text =
      Int.random(in: 0..<3, using: &generator) == 0 ? CertificatePEMTests.rewrapped(width) : CertificatePEMTests.pem
    for _ in 0..<Int.random(in: 1...3, using: &generator) {
      var lines = text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
      let index = Int.random(in: 0..<lines.count, using: &generator)
      let piece = pieces.randomElement(using: &generator) ?? ""
      switch Int.random(in: 0..<8, using: &generator) {
      case 0: lines.insert(piece, at: index)
      case 1: lines[index] += piece
      case 2: lines[index] = piece + lines[index]
      case 3:
        let cut = Int.random(in: 0...lines[index].count, using: &generator)
        lines[index] = lines[index].prefix(cut) + piece + lines[index].dropFirst(cut)
      case 4: lines.remove(at: index)
      case 5: lines[index] = String(lines[index].dropLast())
      case 6: lines = lines.map { $0 + "\r" }
      default: lines.insert("", at: min(1, lines.count))
      }
      text = lines.joined(separator: "\n")
    }
    return text
  }

  @Test(arguments: 1...8)
  func `takes nothing that OpenSSL would not take, and refuses nothing for its form that OpenSSL takes`(_ seed: UInt64)
  {
    var generator = SplitMix64(seed: seed)
    var policies = ValidationPolicies.all(.allow)
    policies[.pemStrictness] = .openssl
    var taken = 0
    for round in 0..<1500 {
      let text = Self.damaged(&generator)
      let theirs = OpenSSLOracle.pemBytes(Array(text.utf8))
      let where_ = Comment(rawValue: "seed \(seed), round \(round): \(text.debugDescription)")
      switch CertificatePEMTests.outcome(text, policies) {
      case .success(let der):
        #expect(der == theirs, where_)
        taken += 1
      case .failure:
        // Where the lenient reading gives the same bytes as OpenSSL, only the form can have been refused.
        guard case .success(let lenient) = CertificatePEMTests.outcome(text, .all(.allow)) else { continue }
        #expect(lenient != theirs, where_)
      }
    }
    #expect(taken > 100)
  }

  @Test(arguments: 1...4)
  func `random bytes give bytes or a typed error`(_ seed: UInt64) {
    var generator = SplitMix64(seed: seed)
    for _ in 0..<300 {
      var bytes = (0..<Int.random(in: 0..<400, using: &generator)).map { _ in
        UInt8.random(in: 0...255, using: &generator)
      }
      if Bool.random(using: &generator) { bytes = Array("-----BEGIN CERTIFICATE-----\n".utf8) + bytes }
      if Bool.random(using: &generator) { bytes += Array("\n-----END CERTIFICATE-----\n".utf8) }
      let error: ServiceError? = bytes.withUnsafeBytes { buffer in
        do throws(ServiceError) {
          _ = try CertificatePEM.decode(buffer, policies: ValidationPolicies())
          return nil
        } catch { return error }
      }
      if let error { #expect(CertificateReason(rawValue: error.reason.rawValue) != nil) }
    }
  }
}
