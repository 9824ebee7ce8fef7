import CertRegCodec
import CertRegCore
import CertRegCrypto
import Foundation
import Testing

@testable import CertRegX509

/// Our certificate ID against `openssl x509 -outform DER | sha256sum`.
@Suite struct IdentityTests {
  /// The certificates of the test vectors, where the environment says that they are there.
  private static func vectors() throws -> [String] {
    guard let folder = ProcessInfo.processInfo.environment["CERTREG_CERTIFICATE_VECTORS"] else { return [] }
    let files = try FileManager.default.contentsOfDirectory(atPath: folder).filter { $0.hasSuffix(".pem") }
    return try files.map { try String(contentsOf: URL(filePath: folder).appending(path: $0), encoding: .utf8) }
  }

  private static let own: [String] = {
    let issued = [Issuer.p256, .p384, .p521, .secp256k1, .rsa1024, .rsa2048].flatMap { issuer in
      [issuer.issue(), issuer.issue { $0.isAuthority = true }]
    }
    let texts = (issued + [CertificateParts().der]).map(PEM.certificate(der:))
    return texts + texts.map { "Bag Attributes\n" + $0.replacing("\n", with: "\r\n") }
  }()

  /// What the programs print for each text: 64 digits, or nothing where openssl reads no certificate.
  private static func printed(_ texts: [String]) throws -> [String] {
    let folder = FileManager.default.temporaryDirectory.appending(path: "identity-\(UUID().uuidString.prefix(8))")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    for (index, text) in texts.enumerated() {
      try text.write(to: folder.appending(path: "\(index)"), atomically: false, encoding: .utf8)
    }
    let process = Process()
    process.executableURL = URL(filePath: "/bin/sh")
    process.arguments = [
      "-c",
      """
      n=0
      while [ -e $n ]; do
        if openssl x509 -in $n -outform DER -out der 2>errors; then sha256sum < der | cut -c 1-64; else echo; fi
        n=$((n + 1))
      done
      """,
    ]
    process.currentDirectoryURL = folder
    let output = Pipe()
    process.standardOutput = output
    try process.run()
    let text = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    process.waitUntilExit()
    return text.split(separator: "\n", omittingEmptySubsequences: false).dropLast().map(String.init)
  }

  @Test func `is the digest that openssl and sha256sum give`() throws {
    let texts = try Self.own + Self.vectors()
    let printed = try Self.printed(texts)
    try #require(printed.count == texts.count)
    var compared = 0
    for (text, expected) in zip(texts, printed) {
      // What the daemon registers, whatever its key and age, is what it would give an ID to.
      guard case .success(let der) = CertificatePEMTests.outcome(text),
        (try? CertificateValidator(policies: ValidationPolicies()).examine(der: der, now: .testNow)) != nil
      else { continue }
      let isCanonical = OpenSSLOracle.decode(der)?.isCanonical == true
      guard isCanonical else { continue }
      #expect(SHA256.digest(of: der).hex == expected, "\(text)")
      compared += 1
    }
    #expect(compared >= Self.own.count)
    print("certificate IDs compared with openssl: \(compared)")
  }
}
