import CertRegCore
import CertRegCrypto
import Testing

/// The test cases of RFC 4231 with keys below, at and above SHA-256's block of 64 bytes.
@Suite struct AuthenticationCodeTests {
  @Test(arguments: [
    (
      [UInt8](repeating: 0x0b, count: 20), "Hi There",
      "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"
    ),
    (
      Array("Jefe".utf8), "what do ya want for nothing?",
      "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
    ),
    (
      [UInt8](repeating: 0xaa, count: 131), "Test Using Larger Than Block-Size Key - Hash Key First",
      "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54"
    ),
  ])
  func `computes HMAC-SHA-256`(key: [UInt8], message: String, expected: String) {
    #expect(SHA256.authenticationCode(of: Array(message.utf8), key: key).hex == expected)
  }

  @Test func `computes SHA-256 of nothing`() {
    #expect(
      SHA256.digest(of: [UInt8]()).hex == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855")
  }
}
