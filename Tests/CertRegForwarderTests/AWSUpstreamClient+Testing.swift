import CertRegCore
import CertRegCrypto
import CertRegSigV4
import NIOHTTP1
import Testing

@testable import CertRegForwarder

extension AWSUpstreamClient {
  func registerCertificateWithoutCA(_ call: RegisterCertificateCall) async -> UpstreamReply {
    await perform(.registerCertificateWithoutCA(call))
  }
}

/// Whether a request's signature is right, according to the signing module's verifier.
func signatureHolds(_ request: ReceivedRequest) throws -> Bool {
  let header = try AuthorizationHeader(parsing: try #require(request.headers.first(name: "Authorization")))
  let canonical = CanonicalRequest(
    method: request.method, path: String(request.uri.prefix { $0 != "?" }),
    query: String(request.uri.drop { $0 != "?" }.dropFirst()), headers: request.headers.map { ($0.name, $0.value) },
    selection: .named(header.signedHeaderNames), payloadHash: SHA256.digest(of: request.body).hex)
  let date = try #require(request.headers.first(name: "X-Amz-Date"))
  #expect(header.scope == SigningScope(region: "eu-central-1", service: "iot"))
  let expected = signature(
    of: canonical, secretAccessKey: FixedCredentials.first.secretAccessKey, amzDate: date, scope: header.scope,
    keys: SigningKeyCache())
  return expected == header.signature
}
