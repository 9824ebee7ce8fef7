package import CertRegCore

/// Signs requests with Signature Version 4.
package struct RequestSigner: Sendable {
  package let credentials: SigningCredentials
  /// Region and service of all signatures.
  package let scope: SigningScope
  private let keys: SigningKeyCache

  /// A signer for `scope`. `keys` keeps the key derived from `credentials`; the signers of one target share it.
  package init(credentials: SigningCredentials, scope: SigningScope, keys: SigningKeyCache = SigningKeyCache()) {
    self.credentials = credentials
    self.scope = scope
    self.keys = keys
  }

  /// The headers to add to a request: `X-Amz-Date`, `X-Amz-Security-Token` if there is a token, `Authorization`.
  ///
  /// - Parameters:
  ///   - path: The path on the wire.
  ///   - query: The query on the wire, without `?`.
  ///   - headers: The request's headers so far, among them `Host`, with the port if it is not the scheme's default.
  ///   - payloadHash: The SHA-256 of the body.
  ///   - signsSessionToken: `false` adds the token after signing, as a few services require. The daemon calls
  ///     none of them; AWS's test vectors have it.
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
