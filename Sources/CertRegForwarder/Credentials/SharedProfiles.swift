import CertRegCore
import Synchronization

/// The profiles of the shared files, both files' settings merged.
struct SharedProfiles: Sendable {
  struct Profile: Sendable, Hashable {
    var name: String
    var values: [String: String] = [:]
    /// Whether the keys stand in the credentials file. Those come before a `credential_process`, keys in the
    /// configuration file behind it (botocore, `ProfileProviderBuilder`).
    var hasKeysInCredentialsFile = false

    /// Whether a setting is `true`, in any case.
    func flag(_ setting: String) -> Bool { self[setting]?.lowercased() == "true" }

    /// Whether the profile has keys of its own.
    var hasKeys: Bool { self["aws_access_key_id"] != nil || self["aws_secret_access_key"] != nil }

    /// A setting; `nil` if it is missing or empty.
    subscript(setting: String) -> String? {
      guard let value = values[setting], !value.isEmpty else { return nil }
      return value
    }
  }

  private(set) var profiles: [String: Profile] = [:]
  private var services: [String: SharedConfigFile.Section] = [:]

  init() {}

  /// Merges the two files; settings of the credentials file win.
  init(config: SharedConfigFile?, credentials: SharedConfigFile?) {
    for (name, section) in config?.sections ?? [:] {
      if name == "default" {
        // With both forms in one file, `[profile default]` counts alone (AWS SDKs and Tools Reference Guide).
        if config?.sections["profile default"] == nil { merge(section, into: name) }
      } else if name.hasPrefix("profile ") {
        merge(section, into: String(name.dropFirst("profile ".count)))
      } else if name.hasPrefix("services ") {
        services[String(name.dropFirst("services ".count))] = section
      }
    }
    for (name, section) in credentials?.sections ?? [:] {
      let hasKeys = section.values["aws_access_key_id"] ?? section.values["aws_secret_access_key"] != nil
      // All keys are those of one file: another one's session token is not for them.
      if hasKeys { for key in Self.keys { profiles[name]?.values[key] = nil } }
      merge(section, into: name)
      if hasKeys { profiles[name]?.hasKeysInCredentialsFile = true }
    }
  }

  /// The settings that make up one identity.
  private static let keys = [
    "aws_access_key_id", "aws_secret_access_key", "aws_session_token", "aws_security_token",
  ]

  private mutating func merge(_ section: SharedConfigFile.Section, into name: String) {
    profiles[name, default: Profile(name: name)].values.merge(section.values) { _, new in new }
  }

  /// The endpoint that a profile names for a service, or for all.
  ///
  /// - Throws: `invalid` if the profile names `services` that are nowhere: a call would go to another endpoint than was
  ///   meant.
  func endpoint(profile: Profile, service: String) throws(CredentialsError) -> String? {
    guard let name = profile["services"] else { return profile["endpoint_url"] }
    guard let section = services[name], !section.nested.isEmpty else {
      throw CredentialsError(
        .invalid, "The profile \(profile.name) has `services = \(name)`, and no section [services \(name)] has services"
      )
    }
    return section.nested[service]?["endpoint_url"].flatMap { $0.isEmpty ? nil : $0 } ?? profile["endpoint_url"]
  }
}

/// Reads the shared files, and reads them again when they were replaced or written.
package final class SharedProfileStore: Sendable {
  private struct Cached {
    var versions: [FileVersion?]
    var profiles: SharedProfiles
  }

  /// The paths of the configuration file and the credentials file; `nil` if there is no home directory.
  let configPath: String?
  let credentialsPath: String?
  /// The profile to use if a target names none.
  let defaultProfileName: String
  /// Whether the environment names that profile, so that its absence is an error.
  let isProfileNamed: Bool
  private let files: HostFiles
  /// Protects what was read last.
  private let cached = Mutex<Cached?>(nil)

  /// The files that `environment` names, or the usual ones; `credentialsFile` takes the place of the one with
  /// credentials.
  package init(environment: ProcessEnvironment, files: HostFiles = .system, credentialsFile: String? = nil) {
    let home = environment["HOME"]
    func path(_ configured: String?, _ usual: String) -> String? {
      guard let configured else { return home.map { $0 + usual } }
      // As a service's file of variables has it, where no shell expands it.
      for prefix in ["~/", "$HOME/", "${HOME}/"] where configured.hasPrefix(prefix) {
        return home.map { $0 + "/" + configured.dropFirst(prefix.count) }
      }
      return configured
    }
    configPath = path(environment["AWS_CONFIG_FILE"], "/.aws/config")
    credentialsPath = path(credentialsFile ?? environment["AWS_SHARED_CREDENTIALS_FILE"], "/.aws/credentials")
    // In botocore's order, so that the host's other programs have the same identity.
    let named = environment["AWS_DEFAULT_PROFILE"] ?? environment["AWS_PROFILE"]
    defaultProfileName = named ?? "default"
    isProfileNamed = named != nil
    self.files = files
  }

  /// The profile of a target with these credentials.
  func profileName(for credentials: CredentialsConfiguration) -> String {
    if case .profile(let name?, _) = credentials { name } else { defaultProfileName }
  }

  /// Whether somebody has named the profile, so that its absence is an error.
  func isNamed(_ profile: String) -> Bool { isProfileNamed || profile != defaultProfileName }

  /// `ca_bundle` of a target's profile: the authorities of its connections. `nil` also if the files cannot be read,
  /// which is an error of the target anyway.
  func authoritiesFile(for credentials: CredentialsConfiguration) -> String? {
    (try? profiles())?.profiles[profileName(for: credentials)]?["ca_bundle"]
  }

  /// The current profiles.
  ///
  /// - Throws: `invalid` if a file exists but cannot be read or understood. The message names the file and the line.
  func profiles() throws(CredentialsError) -> SharedProfiles {
    let versions = [configPath, credentialsPath].map { $0.flatMap(files.version) }
    if let profiles = cached.withLock({ $0?.versions == versions ? $0?.profiles : nil }) { return profiles }
    let profiles = SharedProfiles(
      config: try read(configPath, versions[0]), credentials: try read(credentialsPath, versions[1]))
    cached.withLock { $0 = Cached(versions: versions, profiles: profiles) }
    return profiles
  }

  private func read(_ path: String?, _ version: FileVersion?) throws(CredentialsError) -> SharedConfigFile? {
    guard let path, version != nil else { return nil }
    let text: String?
    do throws(FileReadError) { text = String(validating: try files.read(path), as: UTF8.self) } catch {
      throw CredentialsError(.invalid, "\(error)")
    }
    guard let text else { throw CredentialsError(.invalid, "\(path) is not text in UTF-8") }
    do throws(SharedConfigFileError) { return try SharedConfigFile(parsing: text) } catch {
      throw CredentialsError(.invalid, "\(path) line \(error.line): \(error.message)")
    }
  }

  /// The names of the files in "looked at …".
  var summary: String {
    let paths = [credentialsPath, configPath].compactMap { $0 }
    return paths.isEmpty ? "no shared files (HOME is not set)" : paths.joined(separator: " and ")
  }
}
