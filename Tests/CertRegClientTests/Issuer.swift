import CertRegCrypto
import Foundation
import Testing

@testable import CertRegClient

/// A key and its certificate, made by openssl.
struct Issuer {
  let certificatePath: String
  let certificatePEM: [UInt8]
  private let keyPEM: [UInt8]

  init(
    _ folder: TemporaryFolder, _ name: String, _ key: [String] = ["ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"],
    options: [String] = []
  ) throws {
    certificatePath = folder.path("\(name).crt")
    let result = Program.run(
      ["openssl", "req", "-x509", "-newkey"] + key + [
        "-nodes", "-subj", "/CN=\(name)", "-keyout", folder.path("\(name).key"), "-out", certificatePath,
      ] + options, environment: ProcessInfo.processInfo.environment, timeout: .seconds(60))
    try #require(result?.status == 0, "openssl is needed for this test")
    certificatePEM = Array(try Data(contentsOf: URL(fileURLWithPath: certificatePath)))
    keyPEM = Array(try Data(contentsOf: URL(fileURLWithPath: folder.path("\(name).key"))))
  }

  var der: [UInt8] { (try? ClientIdentity.certificates(pem: certificatePEM).first) ?? [] }

  /// A signature as RFC 7518 section 3.4 has it.
  func signature(of message: String) throws -> [UInt8] {
    let identity = try ClientIdentity(certificatePEM: certificatePEM, privateKeyPEM: keyPEM)
    let encoded = try identity.signature(of: Array(message.utf8))
    // SEQUENCE { INTEGER, INTEGER }, all lengths in one octet.
    let first = Array(encoded[4..<(4 + Int(encoded[3]))])
    let second = Array(encoded[(6 + first.count)...])
    return [first, second].flatMap { number in
      let digits = number.drop { $0 == 0 }
      return [UInt8](repeating: 0, count: 32 - digits.count) + digits
    }
  }
}
