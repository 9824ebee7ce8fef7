import CertRegCore
import CertRegCrypto
import CertRegSigV4
import Testing

@Suite struct RequestSignerTests {
  private let time = CivilTime.wallTime(year: 2026, month: 11, day: 24, hour: 8, minute: 9, second: 10)
  private let scope = SigningScope(region: "eu-central-1", service: "iot")
  private let body = SHA256.digest(of: "{\"certificatePem\":\"x\"}")
  private let headers: [(name: String, value: String)] = [
    ("Host", "iot.eu-central-1.amazonaws.com"), ("Content-Type", "application/json"),
  ]

  private func signed(_ credentials: SigningCredentials, keys: SigningKeyCache = SigningKeyCache(), at time: WallTime)
    -> [(name: String, value: String)]
  {
    RequestSigner(credentials: credentials, scope: scope, keys: keys).sign(
      method: "POST", path: "/certificate/register-no-ca", headers: headers, payloadHash: body, at: time)
  }

  // Expected values were computed with an independent implementation (Python's hmac and hashlib).
  @Test func `signs a registration with long-lived keys`() {
    let added = signed(SigningCredentials(accessKeyID: "AKIDEXAMPLE", secretAccessKey: "secret/key"), at: time)
    #expect(added.map(\.name) == ["X-Amz-Date", "Authorization"])
    #expect(added.first?.value == "20261124T080910Z")
    #expect(
      added.last?.value
        == "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20261124/eu-central-1/iot/aws4_request, "
        + "SignedHeaders=content-type;host;x-amz-date, "
        + "Signature=c693316c405b8beab68b5168573cacffdbf28e948bcf4d2adb31f8d97c1d7d75")
  }

  @Test func `signs a registration with a session token`() {
    let added = signed(
      SigningCredentials(accessKeyID: "ASIAEXAMPLE", secretAccessKey: "secret/key", sessionToken: "to/ken=="),
      at: time)
    #expect(added.map(\.name) == ["X-Amz-Date", "X-Amz-Security-Token", "Authorization"])
    #expect(
      added.last?.value
        == "AWS4-HMAC-SHA256 Credential=ASIAEXAMPLE/20261124/eu-central-1/iot/aws4_request, "
        + "SignedHeaders=content-type;host;x-amz-date;x-amz-security-token, "
        + "Signature=fff0bd823fcbe8dd970b9426c002a8cced6f8282048409d461c23e2ef39622a7")
  }

  @Test func `a cached key signs like a fresh one, whatever key came before`() {
    let keys = SigningKeyCache()
    let one = SigningCredentials(accessKeyID: "A", secretAccessKey: "one")
    let two = SigningCredentials(accessKeyID: "B", secretAccessKey: "two")
    for day in 0..<4 {
      for credentials in [one, two, two, one] {
        let moment = time + .seconds(day * 86_400)
        let kept = signed(credentials, keys: keys, at: moment).last?.value
        #expect(kept == signed(credentials, at: moment).last?.value)
      }
    }
  }

  @Test func `a verifier computes what the signer sent`() throws {
    let added = signed(SigningCredentials(accessKeyID: "A", secretAccessKey: "one", sessionToken: "t"), at: time)
    let header = try AuthorizationHeader(parsing: try #require(added.last).value)
    let request = CanonicalRequest(
      method: "POST", path: "/certificate/register-no-ca", headers: headers + added + [("User-Agent", "x")],
      selection: .named(header.signedHeaderNames), payloadHash: body.hex)
    let computed = signature(
      of: request, secretAccessKey: "one", amzDate: time.amzDate, scope: header.scope, keys: SigningKeyCache())
    #expect(computed == header.signature)
  }

  @Test func `nothing that prints credentials shows a secret`() {
    let credentials = SigningCredentials(
      accessKeyID: "ASIAQWERTYUIOPAS", secretAccessKey: "TOPSECRET", sessionToken: "TOKEN")
    let key = SigningKey(secretAccessKey: "TOPSECRET", day: "20261124", scope: scope)
    var dumped = ""
    dump(credentials, to: &dumped)
    dump(key, to: &dumped)
    let printed = "\(credentials)\(String(reflecting: credentials))\(Optional(credentials) as Any)\(key)" + dumped
    #expect(!printed.contains("SECRET") && !printed.contains("TOKEN") && !printed.contains("QWERTY"))
    #expect(printed.contains("OPAS"))
    #expect(SigningCredentials(accessKeyID: "short", secretAccessKey: "s").maskedAccessKeyID == "****")
  }
}
