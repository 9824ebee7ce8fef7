import CertRegCore
import CertRegSigV4
import Testing

@Suite struct AuthorizationHeaderTests {
  private static let signature = String(repeating: "0a", count: 32)
  private static let credential = "Credential=AKID/20261124/eu-central-1/iot/aws4_request"

  @Test(arguments: [
    "AWS4-HMAC-SHA256 \(credential), SignedHeaders=host;x-amz-date, Signature=\(signature)",
    "AWS4-HMAC-SHA256 \(credential),SignedHeaders=host;x-amz-date,Signature=\(signature)",
    "AWS4-HMAC-SHA256   Signature=\(signature),  SignedHeaders=host;x-amz-date ,\(credential)  ",
  ])
  func `reads the forms that clients write`(text: String) throws {
    let header = try AuthorizationHeader(parsing: text)
    #expect(header.accessKeyID == "AKID")
    #expect(header.day == "20261124")
    #expect(header.scope == SigningScope(region: "eu-central-1", service: "iot"))
    #expect(header.signedHeaderNames == ["host", "x-amz-date"])
    #expect(header.signature.hex == Self.signature)
    #expect(try AuthorizationHeader(parsing: header.text) == header)
  }

  @Test(
    arguments: [
      ("", .unsupportedAlgorithm),
      ("Bearer x", .unsupportedAlgorithm),
      ("AWS4-HMAC-SHA512 \(credential), SignedHeaders=host, Signature=\(signature)", .unsupportedAlgorithm),
      ("AWS4-HMAC-SHA256", .malformedParameter),
      ("AWS4-HMAC-SHA256 \(credential), SignedHeaders=host, Signature", .malformedParameter),
      ("AWS4-HMAC-SHA256 \(credential), \(credential), Signature=\(signature)", .malformedParameter),
      ("AWS4-HMAC-SHA256 \(credential), Other=1, Signature=\(signature)", .malformedParameter),
      ("AWS4-HMAC-SHA256 SignedHeaders=host, Signature=\(signature)", .missingParameter("Credential")),
      ("AWS4-HMAC-SHA256 \(credential), Signature=\(signature)", .missingParameter("SignedHeaders")),
      ("AWS4-HMAC-SHA256 \(credential), SignedHeaders=host", .missingParameter("Signature")),
      ("AWS4-HMAC-SHA256 Credential=A/1/2, SignedHeaders=host, Signature=\(signature)", .malformedCredential),
      (
        "AWS4-HMAC-SHA256 Credential=A/2026112x/r/s/aws4_request, SignedHeaders=host, Signature=\(signature)",
        .malformedCredential
      ),
      (
        "AWS4-HMAC-SHA256 Credential=A/20261124//s/aws4_request, SignedHeaders=host, Signature=\(signature)",
        .malformedCredential
      ),
      ("AWS4-HMAC-SHA256 \(credential), SignedHeaders=, Signature=\(signature)", .malformedSignedHeaders),
      ("AWS4-HMAC-SHA256 \(credential), SignedHeaders=Host, Signature=\(signature)", .malformedSignedHeaders),
      ("AWS4-HMAC-SHA256 \(credential), SignedHeaders=b;a, Signature=\(signature)", .malformedSignedHeaders),
      ("AWS4-HMAC-SHA256 \(credential), SignedHeaders=a;a, Signature=\(signature)", .malformedSignedHeaders),
      ("AWS4-HMAC-SHA256 \(credential), SignedHeaders=host, Signature=0a", .malformedSignature),
      (
        "AWS4-HMAC-SHA256 \(credential), SignedHeaders=host, Signature=\(String(repeating: "0A", count: 32))",
        .malformedSignature
      ),
    ] as [(String, AuthorizationHeaderError)])
  func `says what is wrong`(text: String, expected: AuthorizationHeaderError) {
    #expect(throws: expected) { try AuthorizationHeader(parsing: text) }
  }
}
