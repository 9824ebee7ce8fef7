import CertRegCore
import CertRegSigV4

/// Credentials in environment variables.
struct EnvironmentCredentials: CredentialsProvider {
  let environment: ProcessEnvironment
  let clock: HostClock

  var summary: String { "the environment variables AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY" }

  func fetch() async throws(CredentialsError) -> ProvidedCredentials? {
    let keyID = environment["AWS_ACCESS_KEY_ID"]
    let secret = environment["AWS_SECRET_ACCESS_KEY"]
    if keyID == nil, secret == nil { return nil }
    guard let keyID else {
      throw CredentialsError(.invalid, "AWS_SECRET_ACCESS_KEY is set but AWS_ACCESS_KEY_ID is not: set both or neither")
    }
    guard let secret else {
      throw CredentialsError(.invalid, "AWS_ACCESS_KEY_ID is set but AWS_SECRET_ACCESS_KEY is not: set both or neither")
    }
    var expiration: WallTime?
    if let text = environment["AWS_CREDENTIAL_EXPIRATION"] {
      guard let time = HTTPDate.rfc3339(text) else {
        throw CredentialsError(.invalid, "AWS_CREDENTIAL_EXPIRATION is not a time like 2026-11-24T07:55:55Z")
      }
      // Nobody renews a variable.
      guard time > clock.wall else {
        throw CredentialsError(
          .invalid,
          "The credentials in the environment ended at \(time.rfc3339), says AWS_CREDENTIAL_EXPIRATION, by this host's clock "
            + "(\(clock.wall.rfc3339))")
      }
      expiration = time
    }
    let token = ["AWS_SESSION_TOKEN", "AWS_SECURITY_TOKEN"].lazy.compactMap { name in
      environment[name].map { WrittenCredential(name, $0) }
    }.first
    return ProvidedCredentials(
      signing: try SigningCredentials(
        accessKeyID: .init("AWS_ACCESS_KEY_ID", keyID), secretAccessKey: .init("AWS_SECRET_ACCESS_KEY", secret),
        sessionToken: token),
      expiration: expiration, source: "environment variables")
  }
}
