import CertRegCore
import CertRegSigV4

/// The keys in a profile of the shared files.
enum ProfileKeys {
  /// How soon a changed file is noticed.
  static let recheckAfter = Duration.seconds(5)

  /// The keys of `profile`; `nil` if it has none.
  ///
  /// - Throws: `invalid` if it has one of the two. The message names the other.
  static func credentials(_ profile: SharedProfiles.Profile) throws(CredentialsError) -> ProvidedCredentials? {
    let keyID = profile["aws_access_key_id"]
    let secret = profile["aws_secret_access_key"]
    if keyID == nil, secret == nil { return nil }
    guard let keyID else { throw missing("aws_access_key_id", of: profile) }
    guard let secret else { throw missing("aws_secret_access_key", of: profile) }
    let place = "the profile \(profile.name)"
    return ProvidedCredentials(
      signing: try SigningCredentials(
        accessKeyID: .init("aws_access_key_id of \(place)", keyID),
        secretAccessKey: .init("aws_secret_access_key of \(place)", secret),
        sessionToken: token(of: profile, place)),
      source: "shared files, profile \(profile.name)", recheckAfter: recheckAfter)
  }

  /// The session token, also under its name of old, which comes first in botocore.
  private static func token(of profile: SharedProfiles.Profile, _ place: String) -> WrittenCredential? {
    ["aws_security_token", "aws_session_token"].lazy.compactMap { name in
      profile[name].map { .init("\(name) of \(place)", $0) }
    }.first
  }

  private static func missing(_ setting: String, of profile: SharedProfiles.Profile) -> CredentialsError {
    CredentialsError(.invalid, "The profile \(profile.name) has an incomplete pair of keys: \(setting) is missing")
  }
}
