import CertRegCore
import CertRegSigV4

/// Credentials of a profile of the shared files.
struct ProfileCredentials: CredentialsProvider {
  let store: SharedProfileStore
  /// `nil`: the profile that the environment names, else `default`.
  let name: String?

  var summary: String { "the profile \(name ?? store.defaultProfileName) in \(store.summary)" }

  func fetch() async throws(CredentialsError) -> ProvidedCredentials? {
    guard let profile = try profile() else { return nil }
    return try ProfileKeys.credentials(profile)
  }

  private func profile() throws(CredentialsError) -> SharedProfiles.Profile? {
    let wanted = name ?? store.defaultProfileName
    let profiles = try store.profiles()
    if let profile = profiles.profiles[wanted] { return profile }
    guard name != nil || store.isProfileNamed else { return nil }
    throw CredentialsError(.invalid, "The profile \(wanted) is not in \(store.summary)")
  }
}
