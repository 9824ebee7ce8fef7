import CertRegCore
import CertRegCrypto
import CertRegSigV4
import Testing

@testable import CertRegForwarder

@Suite struct UpstreamTextTests {
  private static let credentials = SigningCredentials(
    accessKeyID: "ASIAEXAMPLE", secretAccessKey: "wJalrXUtnFEMI/K7MDENG+bPxRfiCY",
    sessionToken: "IQoJb3JpZ2luX2VjEBYaCWV1LWNlbnRyYWwtMSJHMEUCIQDExampleExampleExample")
  private static let signature = SHA256.digest(of: "x").hex
  private static let authorization =
    "AWS4-HMAC-SHA256 Credential=ASIAEXAMPLE/20261124/eu-central-1/iot/aws4_request, "
    + "SignedHeaders=content-type;host;x-amz-date;x-amz-security-token, Signature=\(signature)"
  private let text = UpstreamText(credentials: credentials, authorization: authorization, secrets: SecretMask())

  @Test(arguments: [credentials.secretAccessKey, credentials.sessionToken ?? "", signature, authorization])
  func `never repeats a secret, whole or in part`(secret: String) {
    #expect(text.clean("denied: \(secret) so there") == "denied: [removed] so there")
    for offset in stride(from: 0, to: secret.count - 20, by: 3) {
      let part = String(secret.dropFirst(offset).prefix(20))
      #expect(!text.clean("denied: <\(part)>").contains(part), "\(offset)")
    }
  }

  @Test func `keeps text that is no secret`() {
    let message =
      "User: arn:aws:iam::123456789012:user/station is not authorized to perform: iot:RegisterCertificateWithoutCA "
      + "on resource: * in eu-central-1"
    #expect(text.clean(message) == message)
  }

  @Test func `removes control characters of terminals`() {
    #expect(text.clean("a\u{1b}[31mb\r\nc\u{202e}d\u{85}e\u{2028}f\u{7f}g\0\0h") == "a [31mb c d e f g h")
    #expect(text.clean("Größe → 日本") == "Größe → 日本")
  }

  @Test func `cuts long texts`() {
    let cleaned = text.clean(String(repeating: "ä", count: 100_000))
    #expect(cleaned.unicodeScalars.count == UpstreamText.messageLimit + 1 && cleaned.hasSuffix("…"))
  }
}
