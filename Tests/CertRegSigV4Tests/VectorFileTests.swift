import CertRegCore
import CertRegCrypto
import CertRegSigV4
import Foundation
import Testing

private let vectorFolder = ProcessInfo.processInfo.environment["CERTREG_SIGV4_VECTORS"]

/// Cases of AWS's signing test suite and of other signers, as JSON lines.
///
/// They are not part of this repository. `CERTREG_SIGV4_VECTORS` names a folder with `suite.jsonl` (members `request`,
/// `context`, `expected`) and `botocore.jsonl` (`method`, `url`, `headers`, `body_b64`, `credentials`, `expected`).
@Suite(.enabled(if: vectorFolder != nil, "CERTREG_SIGV4_VECTORS is not set"))
struct VectorFileTests {
  @Test func `agrees with the cases of the signing test suite`() throws {
    let cases = try lines("suite.jsonl").map(SuiteCase.init)
    try #require(!cases.isEmpty)
    for testCase in cases { testCase.check() }
  }

  @Test func `agrees with requests that botocore signed`() throws {
    let cases = try lines("botocore.jsonl").map(SignedRequestCase.init)
    try #require(!cases.isEmpty)
    for testCase in cases { testCase.check() }
  }

  private func lines(_ file: String) throws -> [JSONObject] {
    let path = try #require(vectorFolder) + "/" + file
    return try String(contentsOfFile: path, encoding: .utf8).split(separator: "\n").map { line in
      JSONObject(try #require(try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any]))
    }
  }
}

private struct JSONObject {
  var members: [String: Any]

  init(_ members: [String: Any]) { self.members = members }

  func object(_ name: String) throws -> JSONObject { JSONObject(try #require(members[name] as? [String: Any])) }
  func text(_ name: String) throws -> String { try #require(members[name] as? String) }
  func optionalText(_ name: String) -> String? { members[name] as? String }
  func flag(_ name: String) throws -> Bool { try #require(members[name] as? Bool) }
  func headers(_ name: String) throws -> [(name: String, value: String)] {
    try #require(members[name] as? [[String]]).map { ($0[0], $0[1]) }
  }
}

private struct Expectation {
  var canonicalRequest: String
  var stringToSign: String
  var authorization: String

  init(_ object: JSONObject) throws {
    canonicalRequest = try object.text("canonical_request")
    stringToSign = try object.text("string_to_sign")
    authorization = try object.text("authorization")
  }
}

private struct SuiteCase {
  var name: String
  var method: String
  var path: String
  var query: String
  var headers: [(name: String, value: String)]
  var body: String
  var signer: RequestSigner
  var time: WallTime
  var pathRule: PathRule
  var signsBody: Bool
  var signsSessionToken: Bool
  var expected: Expectation

  init(_ object: JSONObject) throws {
    let request = try object.object("request")
    let context = try object.object("context")
    name = try object.text("name")
    method = try request.text("method")
    path = try request.text("path")
    query = request.optionalText("query") ?? ""
    headers = try request.headers("headers")
    body = try request.text("body")
    signer = RequestSigner(
      credentials: SigningCredentials(
        accessKeyID: try context.text("access_key_id"), secretAccessKey: try context.text("secret_access_key"),
        sessionToken: context.optionalText("session_token")),
      scope: SigningScope(region: try context.text("region"), service: try context.text("service")))
    time = CivilTime.wallTime(year: 2015, month: 8, day: 30, hour: 12, minute: 36)
    #expect(try context.text("timestamp") == "2015-08-30T12:36:00Z")
    pathRule = try context.flag("normalize") ? .normalized : .unnormalized
    signsBody = try context.flag("sign_body")
    signsSessionToken = try !context.flag("omit_session_token")
    expected = try Expectation(object.object("expected"))
  }

  func check() {
    let payloadHash = SHA256.digest(of: body)
    var all = headers
    if signsBody { all.append(("x-amz-content-sha256", payloadHash.hex)) }
    let added = signer.sign(
      method: method, path: path, query: query, headers: all, payloadHash: payloadHash, at: time,
      pathRule: pathRule, signsSessionToken: signsSessionToken)
    #expect(added.last?.value == expected.authorization, "\(name)")
    let canonical = CanonicalRequest(
      method: method, path: path, query: query,
      headers: all + added.filter { signsSessionToken || $0.name != "X-Amz-Security-Token" },
      payloadHash: payloadHash.hex, pathRule: pathRule)
    #expect(String(decoding: canonical.bytes, as: UTF8.self) == expected.canonicalRequest, "\(name)")
    #expect(
      canonical.stringToSign(amzDate: time.amzDate, scope: signer.scope) == expected.stringToSign, "\(name)")
  }
}

private struct SignedRequestCase {
  var name: String
  var method: String
  var host: String
  var path: String
  var headers: [(name: String, value: String)]
  var body: [UInt8]
  var signer: RequestSigner
  var amzDate: String
  var expected: Expectation

  init(_ object: JSONObject) throws {
    name = try object.text("name")
    method = try object.text("method")
    let url = try #require(URLComponents(string: try object.text("url")))
    // Clients send `Host` without the scheme's own port (RFC 9110 section 7.2).
    let port = url.port.flatMap { $0 == (url.scheme == "https" ? 443 : 80) ? nil : ":\($0)" }
    host = try #require(url.host) + (port ?? "")
    path = url.percentEncodedPath
    headers = try object.headers("headers")
    body = Array(try #require(Data(base64Encoded: try object.text("body_b64"))))
    let credentials = try object.object("credentials")
    signer = RequestSigner(
      credentials: SigningCredentials(
        accessKeyID: try credentials.text("access_key_id"), secretAccessKey: try credentials.text("secret_access_key"),
        sessionToken: credentials.optionalText("session_token")),
      scope: SigningScope(region: try object.text("region"), service: try object.text("service")))
    amzDate = try object.text("time")
    expected = try Expectation(object.object("expected"))
  }

  func check() {
    func number(_ from: Int, _ length: Int) -> Int { Int(amzDate.dropFirst(from).prefix(length)) ?? 0 }
    let time = CivilTime.wallTime(
      year: number(0, 4), month: number(4, 2), day: number(6, 2), hour: number(9, 2), minute: number(11, 2),
      second: number(13, 2))
    let all = headers + [("Host", host)]
    let added = signer.sign(method: method, path: path, headers: all, payloadHash: SHA256.digest(of: body), at: time)
    #expect(added.last?.value == expected.authorization, "\(name)")
    let canonical = CanonicalRequest(
      method: method, path: path, headers: all + added, payloadHash: SHA256.digest(of: body).hex)
    #expect(String(decoding: canonical.bytes, as: UTF8.self) == expected.canonicalRequest, "\(name)")
    #expect(canonical.stringToSign(amzDate: amzDate, scope: signer.scope) == expected.stringToSign, "\(name)")
  }
}
