package import CertRegCore
import CertRegCrypto

/// The form of a request that signer and verifier hash (Signature Version 4, "create a canonical request").
package struct CanonicalRequest: Sendable {
  /// The canonical request: method, path, query, headers, names of the headers, hash of the payload, with LF between
  /// them.
  package let bytes: [UInt8]
  /// The names of the headers that the signature covers, joined by `;`.
  package let signedHeaders: String

  /// - Parameters:
  ///   - method: The method as it is sent, such as `POST`.
  ///   - path: The path on the wire, without the query.
  ///   - query: The query on the wire, without `?`; may be empty.
  ///   - headers: All of the request's headers, `Host` among them.
  ///   - selection: The headers that are signed.
  ///   - payloadHash: The SHA-256 of the body in lower-case hexadecimal, or the value of `X-Amz-Content-SHA256`.
  ///   - pathRule: The service's rule for the path.
  package init(
    method: String, path: String, query: String = "", headers: [(name: String, value: String)],
    selection: SignedHeaderSelection = .allButVolatile, payloadHash: String, pathRule: PathRule = .normalized
  ) {
    let lineFeed = UInt8(ascii: "\n")
    let canonicalHeaders = CanonicalHeaders(headers, selection: selection)
    signedHeaders = canonicalHeaders.names.joined(separator: ";")
    var text: [UInt8] = []
    text.reserveCapacity(512)
    text.append(contentsOf: method.utf8)
    text.append(lineFeed)
    pathRule.append(path, to: &text)
    text.append(lineFeed)
    CanonicalQuery.append(query, to: &text)
    text.append(lineFeed)
    canonicalHeaders.append(to: &text)
    text.append(lineFeed)
    text.append(contentsOf: signedHeaders.utf8)
    text.append(lineFeed)
    text.append(contentsOf: payloadHash.utf8)
    bytes = text
  }

  /// The SHA-256 of the canonical request.
  package var digest: SHA256Digest {
    SHA256.digest(of: bytes)
  }

  /// The text whose signature goes into `Authorization`.
  ///
  /// - Parameters:
  ///   - algorithm: `AWS4-HMAC-SHA256`, or one of the `AWS4-X509-` names of IAM Roles Anywhere.
  ///   - amzDate: The value of `X-Amz-Date`, `YYYYMMDDTHHMMSSZ`.
  ///   - scope: Region and service.
  package func stringToSign(
    algorithm: String = AuthorizationHeader.algorithm, amzDate: String, scope: SigningScope
  ) -> String {
    "\(algorithm)\n\(amzDate)\n\(scope.credentialScope(day: amzDate.prefix(8)))\n\(digest.hex)"
  }
}
