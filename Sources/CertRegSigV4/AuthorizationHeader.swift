package import CertRegCore

/// Why an `Authorization` header is not one of Signature Version 4.
package enum AuthorizationHeaderError: Error, Hashable, Sendable {
  /// Another scheme than `AWS4-HMAC-SHA256`.
  case unsupportedAlgorithm
  /// A parameter that is not `name=value`, is unknown, or comes twice.
  case malformedParameter
  /// `Credential`, `SignedHeaders` or `Signature` is missing.
  case missingParameter(String)
  /// `Credential` is not `KEY/YYYYMMDD/REGION/SERVICE/aws4_request`.
  case malformedCredential
  /// `SignedHeaders` is empty, or not in lower case, in order and without repetition.
  case malformedSignedHeaders
  /// `Signature` is not 64 lower-case hexadecimal digits.
  case malformedSignature
}

/// The value of an `Authorization` header of Signature Version 4.
package struct AuthorizationHeader: Hashable, Sendable {
  /// The scheme's name.
  package static let algorithm = "AWS4-HMAC-SHA256"

  /// The access key ID that the request is signed with.
  package let accessKeyID: String
  /// `YYYYMMDD`.
  package let day: String
  /// Region and service of the signature.
  package let scope: SigningScope
  /// Lower-case names joined by `;`.
  package let signedHeaders: String
  /// The signature (SigV4, task 3 of the signing process).
  package let signature: SHA256Digest

  package init(accessKeyID: String, day: String, scope: SigningScope, signedHeaders: String, signature: SHA256Digest) {
    self.accessKeyID = accessKeyID
    self.day = day
    self.scope = scope
    self.signedHeaders = signedHeaders
    self.signature = signature
  }

  /// The names in `signedHeaders`.
  package var signedHeaderNames: [String] {
    signedHeaders.split(separator: ";").map(String.init)
  }

  /// The header's value.
  package var text: String {
    "\(AuthorizationHeader.algorithm) Credential=\(accessKeyID)/\(scope.credentialScope(day: day)), "
      + "SignedHeaders=\(signedHeaders), Signature=\(signature.hex)"
  }

  /// Reads a header's value.
  ///
  /// - Throws: The fault, without the value.
  package init(parsing text: String) throws(AuthorizationHeaderError) {
    let scheme = text.prefix { $0 != " " }
    guard scheme == AuthorizationHeader.algorithm else { throw .unsupportedAlgorithm }
    var parameters: [Substring: Substring] = [:]
    for item in text.dropFirst(scheme.count).split(separator: ",", omittingEmptySubsequences: false) {
      let trimmed = trimSpaces(item)
      guard let equals = trimmed.firstIndex(of: "=") else { throw .malformedParameter }
      let name = trimmed[..<equals]
      guard ["Credential", "SignedHeaders", "Signature"].contains(name),
        parameters.updateValue(trimmed[trimmed.index(after: equals)...], forKey: name) == nil
      else { throw .malformedParameter }
    }
    guard let credential = parameters["Credential"] else { throw .missingParameter("Credential") }
    guard let names = parameters["SignedHeaders"] else { throw .missingParameter("SignedHeaders") }
    guard let digits = parameters["Signature"] else { throw .missingParameter("Signature") }

    let parts = credential.split(separator: "/", omittingEmptySubsequences: false)
    guard parts.count == 5, !parts.contains(where: \.isEmpty), parts[4] == SigningScope.terminator,
      parts[1].utf8.count == 8, parts[1].utf8.allSatisfy({ $0 >= UInt8(ascii: "0") && $0 <= UInt8(ascii: "9") })
    else { throw .malformedCredential }
    guard isCanonicalList(names) else { throw .malformedSignedHeaders }
    guard !digits.utf8.contains(where: { $0 >= UInt8(ascii: "A") && $0 <= UInt8(ascii: "F") }),
      let signature = SHA256Digest(hex: digits.utf8)
    else { throw .malformedSignature }
    self.init(
      accessKeyID: String(parts[0]), day: String(parts[1]),
      scope: SigningScope(region: String(parts[2]), service: String(parts[3])), signedHeaders: String(names),
      signature: signature)
  }
}

private func trimSpaces(_ text: Substring) -> Substring {
  var rest = text.drop { $0 == " " }
  while rest.last == " " { rest.removeLast() }
  return rest
}

private func isCanonicalList(_ names: Substring) -> Bool {
  let parts = names.utf8.split(separator: UInt8(ascii: ";"), omittingEmptySubsequences: false)
  let isLowerCase = parts.allSatisfy { part in
    !part.isEmpty && !part.contains { $0 >= UInt8(ascii: "A") && $0 <= UInt8(ascii: "Z") }
  }
  return isLowerCase && zip(parts, parts.dropFirst()).allSatisfy { $0.lexicographicallyPrecedes($1) }
}
