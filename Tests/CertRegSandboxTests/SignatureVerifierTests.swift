import CertRegCore
import CertRegCrypto
import CertRegSandbox
import CertRegSigV4
import CertRegTesting
import Testing

@Suite struct SignatureVerifierTests {
  static let user = SigningCredentials(accessKeyID: "AKIDUSER", secretAccessKey: "a/secret+of=the/user")
  static let session = SigningCredentials(
    accessKeyID: "ASIASESSION", secretAccessKey: "session secret", sessionToken: "the/token==")
  static let region = "eu-west-1"

  private let verifier = SignatureVerifier(credentials: [user, session], region: region)
  private let now = ManualClock.start

  private static func request(
    signedBy credentials: SigningCredentials, method: String = "POST", target: String = "/certificate/register-no-ca",
    body: String = "{}", at time: WallTime = ManualClock.start, region: String = region, service: String = "iot"
  ) -> SandboxRequest {
    var request = SandboxRequest(
      method: method, target: target, headers: [("Host", "127.0.0.1:8080"), ("Content-Type", "application/json")],
      body: Array(body.utf8))
    request.headers += RequestSigner(credentials: credentials, scope: SigningScope(region: region, service: service))
      .sign(
        method: method, path: request.path, query: request.query, headers: request.headers,
        payloadHash: SHA256.digest(of: request.body), at: time)
    return request
  }

  @Test(arguments: [
    ("POST", "/certificate/register-no-ca", #"{"certificatePem":"x"}"#),
    ("GET", "/certificates", ""),
    ("GET", "/certificates?pageSize=2&marker=YWZ0ZXI6Mg%3D%3D&isAscendingOrder=true", ""),
    ("PUT", "/certificates/0123?newStatus=ACTIVE", ""),
  ])
  func `accepts requests signed by a known key pair`(method: String, target: String, body: String) throws {
    for credentials in [Self.user, Self.session] {
      try verifier.verify(Self.request(signedBy: credentials, method: method, target: target, body: body), at: now)
    }
  }

  @Test func `takes headers that were added after signing`() throws {
    var request = Self.request(signedBy: Self.user)
    request.headers += [("amz-sdk-request", "attempt=1"), ("User-Agent", "x"), ("Accept-Encoding", "identity")]
    try verifier.verify(request, at: now)
  }

  @Test(arguments: [-300, -1, 0, 1, 300])
  func `takes a clock that is up to five minutes off`(seconds: Int) throws {
    try verifier.verify(Self.request(signedBy: Self.user, at: now + .seconds(seconds)), at: now)
  }

  @Test func `takes the date from Date where X-Amz-Date is missing`() throws {
    var request = SandboxRequest(
      method: "GET", target: "/certificates", headers: [("Host", "x"), ("Date", "20261124T080910Z")], body: [])
    let canonical = CanonicalRequest(
      method: request.method, path: request.path, query: request.query, headers: request.headers,
      selection: .named(["date", "host"]), payloadHash: SHA256.digest(of: request.body).hex)
    let signature = signature(
      of: canonical, secretAccessKey: Self.user.secretAccessKey, amzDate: "20261124T080910Z",
      scope: SigningScope(region: Self.region, service: "iot"), keys: SigningKeyCache())
    request.headers.append(
      (
        "Authorization",
        "AWS4-HMAC-SHA256 Credential=\(Self.user.accessKeyID)/20261124/\(Self.region)/iot/aws4_request, "
          + "SignedHeaders=date;host, Signature=\(signature.hex)"
      ))
    try verifier.verify(request, at: now)
  }

  struct Refusal: Sendable, CustomTestStringConvertible {
    var name: String
    var kind: SandboxError.Kind
    var message: String
    var request: SandboxRequest
    var testDescription: String { name }

    init(
      _ name: String, _ kind: SandboxError.Kind, _ message: String, _ request: SandboxRequest,
      change: (inout SandboxRequest) -> Void = { _ in }
    ) {
      (self.name, self.kind, self.message, self.request) = (name, kind, message, request)
      change(&self.request)
    }
  }

  static let mismatch =
    "The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key "
    + "and signing method. Consult the service documentation for details."
  static let invalidToken = "The security token included in the request is invalid."

  private static func setHeader(_ name: String, _ value: String?, in request: inout SandboxRequest) {
    request.headers.removeAll { $0.name == name }
    if let value { request.headers.append((name, value)) }
  }

  private static func rewriteAuthorization(
    _ old: String, _ new: String, in request: inout SandboxRequest
  ) {
    setHeader("Authorization", request.header("Authorization")?.replacing(old, with: new), in: &request)
  }

  static let refusals: [Refusal] = [
    Refusal(
      "unsigned", .missingAuthenticationToken, "Missing Authentication Token",
      SandboxRequest(method: "GET", target: "/certificates")),
    Refusal(
      "another scheme", .missingAuthenticationToken, "Missing Authentication Token", request(signedBy: user)
    ) { setHeader("Authorization", "Basic eDp5", in: &$0) },
    Refusal(
      "another algorithm", .incompleteSignature, "Unsupported AWS 'algorithm' (only AWS4-HMAC-SHA256 for now).",
      request(signedBy: user)
    ) { rewriteAuthorization("AWS4-HMAC-SHA256", "AWS4-HMAC-SHA512", in: &$0) },
    Refusal(
      "no signature", .incompleteSignature, "Authorization header requires 'Signature' parameter.",
      request(signedBy: user)
    ) {
      let kept = $0.header("Authorization")?.split(separator: ", Signature").first
      setHeader("Authorization", kept.map(String.init), in: &$0)
    },
    Refusal(
      "no date", .incompleteSignature,
      "Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header.", request(signedBy: user)
    ) { setHeader("X-Amz-Date", nil, in: &$0) },
    Refusal(
      "a date of another form", .incompleteSignature, "Date must be in ISO-8601 'basic format'.",
      request(signedBy: user)
    ) { setHeader("X-Amz-Date", "2026-11-24T08:09:10Z", in: &$0) },
    Refusal(
      "a day that no month has", .incompleteSignature, "Date must be in ISO-8601 'basic format'.",
      request(signedBy: user)
    ) { setHeader("X-Amz-Date", "20261131T080910Z", in: &$0) },
    Refusal(
      "a date too old", .invalidSignature,
      "Signature expired: 20261124T080409Z is now earlier than 20261124T080410Z (20261124T080910Z - 5 min.)",
      request(signedBy: user, at: ManualClock.start + .seconds(-301))),
    Refusal(
      "a date to come", .invalidSignature,
      "Signature not yet current: 20261124T081411Z is still later than 20261124T081410Z (20261124T080910Z + 5 min.)",
      request(signedBy: user, at: ManualClock.start + .seconds(301))),
    Refusal(
      "an unsigned host", .invalidSignature,
      "'Host' or ':authority' must be a 'SignedHeader' in the AWS Authorization.", request(signedBy: user)
    ) { rewriteAuthorization(";host", "", in: &$0) },
    Refusal(
      "another region", .invalidSignature, "Credential should be scoped to a valid region.",
      request(signedBy: user, region: "us-east-1")),
    Refusal(
      "another service", .invalidSignature, "Credential should be scoped to correct service: 'iot'.",
      request(signedBy: user, service: "iotdata")),
    Refusal(
      "another day in the scope", .invalidSignature,
      "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: "
        + "'20261123' != '20261124', from '20261124T080910Z'.",
      request(signedBy: user)
    ) { rewriteAuthorization("/20261124/", "/20261123/", in: &$0) },
    Refusal(
      "an unknown key", .unrecognizedClient, invalidToken,
      request(signedBy: SigningCredentials(accessKeyID: "AKIDOTHER", secretAccessKey: user.secretAccessKey))),
    Refusal(
      "a session without its token", .unrecognizedClient, invalidToken,
      request(
        signedBy: SigningCredentials(
          accessKeyID: session.accessKeyID, secretAccessKey: session.secretAccessKey))),
    Refusal(
      "a session with another token", .unrecognizedClient, invalidToken,
      request(
        signedBy: SigningCredentials(
          accessKeyID: session.accessKeyID, secretAccessKey: session.secretAccessKey, sessionToken: "another"))),
    Refusal(
      "a user with a token", .unrecognizedClient, invalidToken,
      request(
        signedBy: SigningCredentials(
          accessKeyID: user.accessKeyID, secretAccessKey: user.secretAccessKey, sessionToken: "a token"))),
    Refusal(
      "another secret", .invalidSignature, mismatch,
      request(signedBy: SigningCredentials(accessKeyID: user.accessKeyID, secretAccessKey: "another"))),
    Refusal("another body", .invalidSignature, mismatch, request(signedBy: user)) { $0.body.append(0x20) },
    Refusal("another method", .invalidSignature, mismatch, request(signedBy: user)) { $0.method = "PUT" },
    Refusal("another path", .invalidSignature, mismatch, request(signedBy: user)) { $0.path += "x" },
    Refusal("another query", .invalidSignature, mismatch, request(signedBy: user)) { $0.query = "a=b" },
    Refusal("another host", .invalidSignature, mismatch, request(signedBy: user)) {
      setHeader("Host", "example.com", in: &$0)
    },
  ]

  @Test(arguments: refusals)
  func `refuses in the words of AWS`(refusal: Refusal) {
    #expect(throws: SandboxError(refusal.kind, refusal.message)) {
      try verifier.verify(refusal.request, at: now)
    }
  }

  @Test(arguments: refusals)
  func `says nothing of a secret`(refusal: Refusal) {
    let error = #expect(throws: SandboxError.self) { try verifier.verify(refusal.request, at: now) }
    let message = error?.message ?? ""
    for secret in [Self.user.secretAccessKey, Self.session.secretAccessKey, "the/token==", "Signature="] {
      #expect(!message.contains(secret))
    }
    if let signature = refusal.request.header("Authorization")?.suffix(64), signature.count == 64 {
      #expect(!message.contains(signature))
    }
  }

  @Test func `an endpoint checks the signature before it reveals certificates`() {
    let endpoint = SandboxEndpoint(
      SandboxConfiguration(account: SandboxAccount(region: Self.region), signatures: verifier), judge: StubJudge(),
      clock: ManualClock.atStart().clock, seed: 1)
    let unsigned = endpoint.answer(SandboxRequest(method: "GET", target: "/nowhere"))
    #expect(unsigned.response?.status == 403)
    #expect(unsigned.response?.header("x-amzn-ErrorType") == "MissingAuthenticationTokenException")
    let signed = endpoint.answer(Self.request(signedBy: Self.user, method: "GET", target: "/nowhere", body: ""))
    #expect(signed.response?.header("x-amzn-ErrorType") == "UnknownOperationException")
  }
}
