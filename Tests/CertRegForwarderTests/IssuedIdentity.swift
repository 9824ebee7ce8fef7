import CertRegClock
import Foundation

@testable import CertRegForwarder

/// A self-signed certificate and key, made by OpenSSL's program for one test.
struct IssuedIdentity {
  let folder: String
  var certificateFile: String { folder + "/certificate.pem" }
  var keyFile: String { folder + "/key.pem" }

  init(keyArguments: [String], commonName: String) throws {
    folder = NSTemporaryDirectory() + "/identity-\(UUID().uuidString)"
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    _ = try Self.openssl(
      [
        "req", "-x509", "-nodes", "-days", "1", "-subj", "/CN=\(commonName)", "-addext",
        "subjectAltName=DNS:\(commonName)",
      ]
        + keyArguments + ["-keyout", keyFile, "-out", certificateFile])
  }

  func remove() {
    try? FileManager.default.removeItem(atPath: folder)
  }

  /// The certificate's serial number, from the hexadecimal form that the program prints.
  func decimalSerial() throws -> String {
    let text = try Self.openssl(["x509", "-in", certificateFile, "-noout", "-serial"])
    var decimal: [Int] = [0]
    for digit in text.split(separator: "=").last?.compactMap(\.hexDigitValue) ?? [] {
      var carry = digit
      for index in decimal.indices {
        carry += decimal[index] * 16
        decimal[index] = carry % 10
        carry /= 10
      }
      while carry > 0 {
        decimal.append(carry % 10)
        carry /= 10
      }
    }
    return decimal.reversed().map(String.init).joined()
  }

  func verifies(signature hex: String, of message: String) throws -> Bool {
    let digits = hex.compactMap(\.hexDigitValue)
    let bytes = stride(from: 0, to: digits.count - 1, by: 2).map { UInt8(digits[$0] << 4 | digits[$0 + 1]) }
    try Data(bytes).write(to: URL(fileURLWithPath: folder + "/signature"))
    try Data(message.utf8).write(to: URL(fileURLWithPath: folder + "/message"))
    let key = try Self.openssl(["x509", "-in", certificateFile, "-noout", "-pubkey"])
    try Data(key.utf8).write(to: URL(fileURLWithPath: folder + "/public.pem"))
    let result = try Self.openssl([
      "dgst", "-sha256", "-verify", folder + "/public.pem", "-signature", folder + "/signature", folder + "/message",
    ])
    return result.contains("Verified OK")
  }

  private static func openssl(_ arguments: [String]) throws -> String {
    let result = try ChildProcess.run(
      ["openssl"] + arguments, environment: ["PATH=/usr/bin:/bin:/usr/local/bin"],
      limits: ChildProcess.Limits(
        timeout: .seconds(30), outputBytes: 100_000, clock: .system, isCancelled: { false }))
    return String(decoding: result.standardOutput, as: UTF8.self)
  }
}
