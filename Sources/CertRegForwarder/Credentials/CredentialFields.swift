import CertRegCodec
import CertRegCore
import CertRegSigV4

/// The names that a credential service gives the members of its replies.
struct CredentialFields: Sendable {
  let accessKeyID: String
  let secretAccessKey: String
  let sessionToken: String
  let expiration: String

  /// Container endpoints and instance metadata.
  static let metadata = CredentialFields(
    accessKeyID: "AccessKeyId", secretAccessKey: "SecretAccessKey", sessionToken: "Token", expiration: "Expiration")
  /// Programs of `credential_process`.
  static let process = CredentialFields(
    accessKeyID: "AccessKeyId", secretAccessKey: "SecretAccessKey", sessionToken: "SessionToken",
    expiration: "Expiration")
  /// AWS IoT's credential provider and IAM Roles Anywhere.
  static let service = CredentialFields(
    accessKeyID: "accessKeyId", secretAccessKey: "secretAccessKey", sessionToken: "sessionToken",
    expiration: "expiration")

  /// Reads credentials from a JSON object.
  ///
  /// - Parameters:
  ///   - source: The name of the service, for messages.
  ///   - requiresToken: Whether the service issues temporary credentials only.
  /// - Throws: `invalid` if a member is missing or malformed. The message names the member, never a value.
  func read(
    _ object: JSONValue?, source: String, requiresToken: Bool = true
  ) throws(CredentialsError) -> ProvidedCredentials {
    func text(_ name: String) throws(CredentialsError) -> String? {
      switch object?[name] {
      case nil, .null?: return nil
      case .string(let text)?: return text.isEmpty ? nil : text
      default: throw CredentialsError(.invalid, "The answer of \(source) has an \(name) that is not a string")
      }
    }
    func written(_ name: String, _ text: String) -> WrittenCredential { .init("\(name) of \(source)", text) }
    guard let keyID = try text(accessKeyID) else { throw missing(accessKeyID, source) }
    guard let secret = try text(secretAccessKey) else { throw missing(secretAccessKey, source) }
    let token = try text(sessionToken)
    if requiresToken, token == nil { throw missing(sessionToken, source) }
    var end: WallTime?
    if let text = try text(expiration) {
      guard let time = HTTPDate.rfc3339(text) else {
        throw CredentialsError(
          .invalid, "The answer of \(source) has an \(expiration) that is not a time like 2026-11-24T07:55:55Z")
      }
      end = time
    } else if requiresToken {
      throw missing(expiration, source)
    }
    return ProvidedCredentials(
      signing: try SigningCredentials(
        accessKeyID: written(accessKeyID, keyID), secretAccessKey: written(secretAccessKey, secret),
        sessionToken: token.map { written(sessionToken, $0) }), expiration: end, source: source)
  }

  private func missing(_ name: String, _ source: String) -> CredentialsError {
    CredentialsError(.invalid, "The answer of \(source) has no \(name)")
  }
}

extension CredentialsError {
  /// An unsuccessful reply of a credential service.
  ///
  /// - Parameters:
  ///   - source: The name of the service.
  ///   - advice: What the operator can do about a refusal.
  ///   - secrets: What the request held and the reply may repeat.
  ///   - speaksJSON: Whether the service gives its reasons in JSON, so that a reply of another form is not its own.
  init(refusal reply: HTTPReply, source: String, advice: String, secrets: SecretMask, speaksJSON: Bool = false) {
    let error = AWSErrorReply(reply)
    let words = UpstreamText(secrets: secrets).clean(error.message ?? error.type ?? "", limit: 256)
    let said = words.isEmpty ? "" : ": \(words)"
    let category = AWSErrorCategory(error: error, status: reply.status)
    let isRedirect = (300..<400).contains(reply.status)
    if speaksJSON, error.body == nil, !reply.body.isEmpty {
      self.init(
        .unavailable,
        "The answer (HTTP \(reply.status)) is not one of \(source); something in between may have sent it")
    } else if category == .throttled || category == .unavailable || category == .internalFault || isRedirect {
      self.init(.unavailable, "\(source) is not available (HTTP \(reply.status))\(said)")
    } else {
      self.init(.invalid, "\(source) refuses credentials (HTTP \(reply.status))\(said); \(advice)")
    }
  }
}
