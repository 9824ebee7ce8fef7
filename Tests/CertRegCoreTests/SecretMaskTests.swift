import CertRegCore
import Testing

@Suite struct SecretMaskTests {
  private static let secretKey = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
  private static let webToken =
    "eyJhbGciOiJSUzI1NiIsImtpZCI6IjEifQ.eyJzdWIiOiJzeXN0ZW06c2VydmljZWFjY291bnQifQ.c2lnbmF0dXJlLW9mLXRoZS10b2tlbg"

  struct Planted: Sendable, CustomTestStringConvertible {
    var text: String
    var secrets: [String]
    var testDescription: String { text }

    init(_ text: String, _ secrets: String...) {
      self.text = text
      self.secrets = secrets
    }
  }

  @Test(arguments: [
    Planted("the key \(secretKey) is wrong", secretKey),
    Planted("export AWS_SECRET_ACCESS_KEY=short1", "short1"),
    Planted(#"{"SecretAccessKey": "abc123", "x": 1}"#, "abc123"),
    Planted("helper --token hvs.abcdef --verbose", "hvs.abcdef"),
    Planted("pkcs11-tool --login --pin 123456", "123456"),
    Planted("login with password: hunter2 failed", "hunter2"),
    Planted("PASSWORD='hunter two'", "hunter"),
    Planted("token \(webToken)", "eyJhbGci", "c2lnbmF0dXJl"),
    Planted("Authorization: Basic dXNlcjpwYXNz", "dXNlcjpwYXNz"),
    Planted("curl -H 'Authorization: Bearer abc.def' https://h/", "abc.def"),
    Planted("got Bearer abcdef-1234", "abcdef-1234"),
    Planted(
      "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20261124/r/iot/aws4_request, SignedHeaders=host, Signature=0a1b2c",
      "AKIAIOSFODNN7EXAMPLE", "0a1b2c"),
    Planted("key AKIAIOSFODNN7EXAMPLE is inactive", "AKIAIOSFODNN7EXAMPLE"),
    Planted("connect to http://user:pass@proxy:3128 failed", "user", "pass"),
    Planted("connect to user:p/a:s@s@proxy:3128 failed", "p/a", "s@s"),
    Planted("ftp://only-user@h", "only-user"),
    Planted(
      "-----BEGIN EC PRIVATE KEY-----\nMHcCAQEEIA\nabcd\n-----END EC PRIVATE KEY-----\nafter", "MHcCAQEEIA", "abcd"),
    Planted("-----BEGIN PRIVATE KEY----- MC4CAQ without an end", "MC4CAQ"),
    Planted("x-amz-security-token:IQoJb3JpZ2luX2VjEBYaCWV1", "IQoJb3JpZ2luX2VjEBYaCWV1"),
  ])
  func `removes text that looks like a secret`(planted: Planted) {
    let masked = SecretMask().masked(planted.text)
    for secret in planted.secrets { #expect(!masked.contains(secret), "\(masked)") }
    #expect(masked.contains(SecretMask.replacement))
  }

  @Test(arguments: [
    "User: arn:aws:sts::123456789012:assumed-role/FactoryRole1/certregd-station42@example.com is not authorized to "
      + "perform: iot:RegisterCertificateWithoutCA on resource: * with an explicit deny in a service control policy",
    "The security token included in the request is expired",
    "InvalidToken: The provided token is malformed or otherwise invalid.",
    "An error occurred (ExpiredToken) when calling the AssumeRole operation: The token is expired",
    "Authorization header requires 'Credential' parameter",
    "Certificate 7d2f5b0c9a1e4f6388aa00bb11cc22dd33ee44ff5566778899aabbccddeeff00 exists",
    "arn:aws:iot:eu-central-1:123456789012:cert/7d2f5b0c9a1e4f6388aa00bb11cc22dd33ee44ff5566778899aabbccddeeff00",
    "request 550e8400-e29b-41d4-a716-446655440000 failed at 10:30",
    "cannot read /home/Station1/projects/factory/line3/etc/AwsCredentials/config",
    "line 3: helper: command not found", "write to certregd@example.com", "",
  ])
  func `keeps text that is no secret`(text: String) {
    #expect(SecretMask().masked(text) == text)
  }

  @Test func `removes known secrets, whole or in part`() {
    let mask = SecretMask(["correct horse battery staple", "abc"])
    #expect(mask.masked("it was correct horse battery staple!") == "it was [removed]!")
    #expect(mask.masked("it was <horse bat>") == "it was <[removed]>")
    // Three characters occur in many words.
    #expect(mask.masked("abc") == "abc")
  }

  @Test func `no text lets through eight characters of a secret of random form`() {
    let seed = UInt64.random(in: 0...UInt64.max)
    var random = SplitMix64(seed: seed)
    let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/=-_.:@ \"'%\n".utf8)
    for _ in 0..<300 {
      let secret = (0..<Int.random(in: 8...60, using: &random)).map { _ in alphabet.randomElement(using: &random) ?? 0 }
      let before = (0..<Int.random(in: 0...40, using: &random)).map { _ in alphabet.randomElement(using: &random) ?? 0 }
      let text = String(decoding: before + secret + before, as: UTF8.self)
      let masked = Array(SecretMask([String(decoding: secret, as: UTF8.self)]).masked(text).utf8)
      for start in 0...(secret.count - 8) {
        let piece = secret[start..<start + 8]
        let isThere = masked.indices.dropLast(7).contains { masked[$0..<$0 + 8] == piece }
        // The surrounding text may repeat parts of the secret by chance, but not the copy of the secret.
        #expect(!isThere, "seed \(seed)")
      }
    }
  }

  @Test func `looks at the beginning of a long text only`() {
    let long = String(repeating: "word ", count: 1_000_000)
    #expect(SecretMask(["secret-secret"]).masked(long).utf8.count < SecretMask.inputLimitBytes + 10)
    let unbroken = String(repeating: "a", count: 1_000_000)
    #expect(SecretMask().masked(unbroken).utf8.count < SecretMask.inputLimitBytes)
    let accents = SecretMask().masked(String(repeating: "aä", count: 100_000))
    #expect(accents.hasSuffix("…") && !accents.contains("\u{fffd}"))
  }

  @Test(arguments: ["authorization ", "token=", "://", "@", "eyJ", "BEGIN PRIVATE KEY-----", "a:b@c ", "Bearer "])
  func `repeated beginnings of secrets are no trouble`(pattern: String) {
    let text = String(repeating: pattern, count: SecretMask.inputLimitBytes / pattern.utf8.count)
    #expect(SecretMask([text]).masked(text).utf8.count <= text.utf8.count + SecretMask.inputLimitBytes)
  }
}
