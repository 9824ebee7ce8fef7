import CertRegCore
import CertRegSigV4
import Testing

/// The worked examples of the "Signature Version 4 signing process" pages of the AWS General Reference.
@Suite struct DocumentedExampleTests {
  private let secret = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"

  @Test func `derives the documented signing key`() {
    // The key cannot be read. Its HMAC of the documented string is the documented signature.
    let key = SigningKey(
      secretAccessKey: secret, day: "20150830", scope: SigningScope(region: "us-east-1", service: "iam"))
    let stringToSign = """
      AWS4-HMAC-SHA256
      20150830T123600Z
      20150830/us-east-1/iam/aws4_request
      f536975d06c0309214f805bb90ccff089219ecd68b2577efef23edd43b7e1a59
      """
    #expect(
      key.signature(of: stringToSign).hex == "5d672d79c15b13162d9279b0855cfba6789a8edb4c82c400e06b5924a6f2b5d7")
  }

  @Test func `signs the documented ListUsers request`() {
    let scope = SigningScope(region: "us-east-1", service: "iam")
    let request = CanonicalRequest(
      method: "GET", path: "/", query: "Action=ListUsers&Version=2010-05-08",
      headers: [
        ("Content-Type", "application/x-www-form-urlencoded; charset=utf-8"), ("Host", "iam.amazonaws.com"),
        ("X-Amz-Date", "20150830T123600Z"),
      ],
      payloadHash: "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855")
    #expect(request.signedHeaders == "content-type;host;x-amz-date")
    #expect(request.digest.hex == "f536975d06c0309214f805bb90ccff089219ecd68b2577efef23edd43b7e1a59")
    let value = signature(
      of: request, secretAccessKey: secret, amzDate: "20150830T123600Z", scope: scope, keys: SigningKeyCache())
    #expect(value.hex == "5d672d79c15b13162d9279b0855cfba6789a8edb4c82c400e06b5924a6f2b5d7")
  }
}
