package import CertRegCore

/// Signs requests with Signature Version 4.
package struct RequestSigner: Sendable {
  package let credentials: SigningCredentials
  package let scope: SigningScope
  private let keys: SigningKeyCache

  /// A signer for `scope`. The key derived from `credentials` is kept in `keys`, shared between the signers of one target so that
  /// it outlives each.
  package init(credentials: SigningCredentials, scope: SigningScope, keys: SigningKeyCache = SigningKeyCache()) {
    self.credentials = credentials
    self.scope = scope
    self.keys = keys
  }

  /// The headers to add to a request: `X-Amz-Date`, `X-Amz-Security-Token` where there is a token, `Authorization`.
  ///
  /// - Parameters:
  ///   - path: The path on the wire.
  ///   - query: What follows `?` on the wire.
  ///   - headers: The request's headers so far; `Host` must be among them, with the port where it is not the scheme's own.
  ///   - payloadHash: The SHA-256 of the body.
  ///   - signsSessionToken: `false` adds the token after signing, which a few services want.
  package func sign(
    method: String, path: String, query: String = "", headers: [(name: String, value: String)],
    payloadHash: SHA256Digest, at time: WallTime, pathRule: PathRule = .normalized, signsSessionToken: Bool = true
  ) -> [(name: String, value: String)] {
    let amzDate = time.amzDate
    var added = [(name: "X-Amz-Date", value: amzDate)]
    if let token = credentials.sessionToken, signsSessionToken { added.append(("X-Amz-Security-Token", token)) }
    let request = CanonicalRequest(
      method: method, path: path, query: query, headers: headers + added, payloadHash: payloadHash.hex,
      pathRule: pathRule)
    let header = AuthorizationHeader(
      accessKeyID: credentials.accessKeyID, day: String(amzDate.prefix(8)), scope: scope,
      signedHeaders: request.signedHeaders,
      signature: signature(
        of: request, secretAccessKey: credentials.secretAccessKey, amzDate: amzDate, scope: scope, keys: keys))
    if let token = credentials.sessionToken, !signsSessionToken { added.append(("X-Amz-Security-Token", token)) }
    added.append(("Authorization", header.text))
    return added
  }
}
