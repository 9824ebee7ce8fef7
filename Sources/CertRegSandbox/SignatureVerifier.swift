package import CertRegCore
import CertRegCrypto
package import CertRegSigV4

/// Checks requests' signatures (Signature Version 4) in the order and with the errors of AWS.
package struct SignatureVerifier: Sendable {
  /// How far a request's date may be from the clock; AWS IoT's figure.
  package static let toleratedSkew = Duration.seconds(300)

  private let region: String
  private let keyPairs: [String: KeyPair]

  private struct KeyPair: Sendable {
    var credentials: SigningCredentials
    var derived = SigningKeyCache()
  }

  /// - Parameters:
  ///   - credentials: The key pairs that are known. Of two with one ID the later counts.
  ///   - region: What requests must be signed for, together with the service.
  package init(credentials: [SigningCredentials], region: String) {
    self.region = region
    keyPairs = Dictionary(
      credentials.map { ($0.accessKeyID, KeyPair(credentials: $0)) }, uniquingKeysWith: { _, later in later })
  }

  /// Accepts a request that one of the key pairs signed for this region and the service around `now`.
  ///
  /// - Parameter service: The signing name of the service that the request asks.
  /// - Throws: MissingAuthenticationTokenException, IncompleteSignatureException, InvalidSignatureException or
  ///   UnrecognizedClientException. None says anything of a secret.
  package func verify(
    _ request: SandboxRequest, service: String = "iot", at now: WallTime
  ) throws(SandboxError) {
    let scope = SigningScope(region: region, service: service)
    guard let authorization = request.header("authorization"), authorization.hasPrefix("AWS4-") else {
      throw SandboxError(.missingAuthenticationToken, "Missing Authentication Token")
    }
    let header = try parse(authorization)
    let amzDate = try checkDate(request.header("x-amz-date") ?? request.header("date"), at: now)
    try check(header, scope, amzDate: amzDate)

    guard let keyPair = keyPairs[header.accessKeyID],
      isEqual(request.header("x-amz-security-token"), keyPair.credentials.sessionToken)
    else {
      throw SandboxError(.unrecognizedClient, "The security token included in the request is invalid.")
    }
    let canonical = CanonicalRequest(
      method: request.method, path: request.path, query: request.query, headers: request.headers,
      selection: .named(header.signedHeaderNames), payloadHash: SHA256.digest(of: request.body).hex)
    let expected = signature(
      of: canonical, secretAccessKey: keyPair.credentials.secretAccessKey, amzDate: amzDate, scope: scope,
      keys: keyPair.derived)
    guard equalInConstantTime(expected.bytes, header.signature.bytes) else {
      throw SandboxError(
        .invalidSignature,
        "The request signature we calculated does not match the signature you provided. Check your AWS Secret Access "
          + "Key and signing method. Consult the service documentation for details.")
    }
  }

  // MARK: Parts

  private func parse(_ text: String) throws(SandboxError) -> AuthorizationHeader {
    do throws(AuthorizationHeaderError) {
      return try AuthorizationHeader(parsing: text)
    } catch {
      let message =
        switch error {
        case .unsupportedAlgorithm: "Unsupported AWS 'algorithm' (only AWS4-HMAC-SHA256 for now)."
        case .malformedParameter: "Authorization header has a parameter that is not a valid key=value pair."
        case .missingParameter(let name): "Authorization header requires '\(name)' parameter."
        case .malformedCredential:
          "Credential must have exactly 5 slash-delimited elements, e.g. keyid/date/region/service/aws4_request."
        case .malformedSignedHeaders: "SignedHeaders must be lower-case header names in order, separated by semicolons."
        case .malformedSignature: "Signature must be 64 lower-case hexadecimal digits."
        }
      throw SandboxError(.incompleteSignature, message)
    }
  }

  private func checkDate(_ amzDate: String?, at now: WallTime) throws(SandboxError) -> String {
    guard let amzDate else {
      throw SandboxError(
        .incompleteSignature,
        "Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header.")
    }
    guard let time = WallTime(amzDate: amzDate) else {
      throw SandboxError(.incompleteSignature, "Date must be in ISO-8601 'basic format'.")
    }
    let tolerated = SignatureVerifier.toleratedSkew
    let minutes = tolerated.components.seconds / 60
    let earliest = now - tolerated
    let latest = now + tolerated
    if time < earliest {
      throw SandboxError(
        .invalidSignature,
        "Signature expired: \(amzDate) is now earlier than \(earliest.amzDate) (\(now.amzDate) - \(minutes) min.)")
    }
    if time > latest {
      throw SandboxError(
        .invalidSignature,
        "Signature not yet current: \(amzDate) is still later than \(latest.amzDate) (\(now.amzDate) + \(minutes) min.)"
      )
    }
    return amzDate
  }

  private func check(
    _ header: AuthorizationHeader, _ scope: SigningScope, amzDate: String
  ) throws(SandboxError) {
    guard header.signedHeaderNames.contains("host") else {
      throw SandboxError(
        .invalidSignature, "'Host' or ':authority' must be a 'SignedHeader' in the AWS Authorization.")
    }
    var faults: [String] = []
    if header.scope.region != scope.region { faults.append("Credential should be scoped to a valid region.") }
    if header.scope.service != scope.service {
      faults.append("Credential should be scoped to correct service: '\(scope.service)'.")
    }
    if header.day != amzDate.prefix(8) {
      faults.append(
        "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: "
          + "'\(header.day)' != '\(amzDate.prefix(8))', from '\(amzDate)'.")
    }
    if !faults.isEmpty { throw SandboxError(.invalidSignature, faults.joined(separator: " ")) }
  }

  /// Whether a request carries the token that belongs to the key pair, or neither has one.
  private func isEqual(_ token: String?, _ expected: String?) -> Bool {
    switch (token, expected) {
    case (nil, nil): true
    case (let token?, let expected?): equalInConstantTime(Array(token.utf8), Array(expected.utf8))
    default: false
    }
  }
}

extension WallTime {
  static func - (time: WallTime, duration: Duration) -> WallTime {
    time + (.zero - duration)
  }
}
